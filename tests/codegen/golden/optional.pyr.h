/* Made by protoc-gen-pyrite from optional.proto. Do not edit. */
#ifndef PYR_FILE_optional_2eproto_H
#define PYR_FILE_optional_2eproto_H

#include "optional.pb-c.h"
#include <pyrite/stub.h>

#if PYR_STUB_ABI < 1
#error "Pyrite's headers are older than this file's generator: update them"
#endif

PYR_BEGIN_DECLS

/* The file's descriptor, for reflection. */
extern const pyr_file pyr_file__optional_2eproto;

/* Optional fields. A pointer that is set stays the caller's; clear frees nothing. */

static inline bool paint__has_colour(const Paint *message)
{
	return message->_colour_case == PAINT___COLOUR_COLOUR;
}

static inline void paint__set_colour(Paint *message, Colour value)
{
	message->_colour_case = PAINT___COLOUR_COLOUR;
	message->colour = value;
}

static inline void paint__clear_colour(Paint *message)
{
	message->_colour_case = PAINT___COLOUR__NOT_SET;
}

static inline bool paint__has_texture(const Paint *message)
{
	return message->_texture_case == PAINT___TEXTURE_TEXTURE;
}

static inline void paint__set_texture(Paint *message, ProtobufCBinaryData value)
{
	message->_texture_case = PAINT___TEXTURE_TEXTURE;
	message->texture = value;
}

static inline void paint__clear_texture(Paint *message)
{
	message->_texture_case = PAINT___TEXTURE__NOT_SET;
}

static inline bool paint__has_name(const Paint *message)
{
	return message->_name_case == PAINT___NAME_NAME;
}

static inline void paint__set_name(Paint *message, char *value)
{
	message->_name_case = PAINT___NAME_NAME;
	message->name = value;
}

static inline void paint__clear_name(Paint *message)
{
	message->_name_case = PAINT___NAME__NOT_SET;
}

static inline bool paint__has_shiny(const Paint *message)
{
	return message->_shiny_case == PAINT___SHINY_SHINY;
}

static inline void paint__set_shiny(Paint *message, bool value)
{
	message->_shiny_case = PAINT___SHINY_SHINY;
	message->shiny = value;
}

static inline void paint__clear_shiny(Paint *message)
{
	message->_shiny_case = PAINT___SHINY__NOT_SET;
}

static inline bool paint__has_price(const Paint *message)
{
	return message->_price_case == PAINT___PRICE_PRICE;
}

static inline void paint__set_price(Paint *message, double value)
{
	message->_price_case = PAINT___PRICE_PRICE;
	message->price = value;
}

static inline void paint__clear_price(Paint *message)
{
	message->_price_case = PAINT___PRICE__NOT_SET;
}

static inline bool paint__has_made_us(const Paint *message)
{
	return message->_made_us_case == PAINT___MADE_US_MADE_US;
}

static inline void paint__set_made_us(Paint *message, int64_t value)
{
	message->_made_us_case = PAINT___MADE_US_MADE_US;
	message->made_us = value;
}

static inline void paint__clear_made_us(Paint *message)
{
	message->_made_us_case = PAINT___MADE_US__NOT_SET;
}

static inline bool paint__has_sum(const Paint *message)
{
	return message->_sum_case == PAINT___SUM_SUM;
}

static inline void paint__set_sum(Paint *message, Demo__AddRequest *value)
{
	message->_sum_case = PAINT___SUM_SUM;
	message->sum = value;
}

static inline void paint__clear_sum(Paint *message)
{
	message->_sum_case = PAINT___SUM__NOT_SET;
}

static inline bool paint__has_detail(const Paint *message)
{
	return message->_detail_case == PAINT___DETAIL_DETAIL;
}

static inline void paint__set_detail(Paint *message, Demo__Streams__Tick__Detail *value)
{
	message->_detail_case = PAINT___DETAIL_DETAIL;
	message->detail = value;
}

static inline void paint__clear_detail(Paint *message)
{
	message->_detail_case = PAINT___DETAIL__NOT_SET;
}

static inline bool paint__has_int_(const Paint *message)
{
	return message->_int_case == PAINT___INT_INT;
}

static inline void paint__set_int_(Paint *message, int32_t value)
{
	message->_int_case = PAINT___INT_INT;
	message->int_ = value;
}

static inline void paint__clear_int_(Paint *message)
{
	message->_int_case = PAINT___INT__NOT_SET;
}

PYR_END_DECLS

#endif
