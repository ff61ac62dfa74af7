/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of each type of frame: its name, and the flags it may have. */
#include "native/frame.h"

static const struct {
	const char *name;
	uint8_t flags;
} types[PYR__FRAME_TYPES] = {
	[PYR__FRAME_HELLO] = {"HELLO", 0},
	[PYR__FRAME_CALL] = {"CALL", PYR__MSG | PYR__MORE | PYR__END | PYR__ONEWAY},
	[PYR__FRAME_MESSAGE] = {"MESSAGE", PYR__MSG | PYR__MORE | PYR__CONT | PYR__END},
	[PYR__FRAME_METADATA] = {"METADATA", 0},
	[PYR__FRAME_FINAL] = {"FINAL", PYR__MSG},
	[PYR__FRAME_RESET] = {"RESET", 0},
	[PYR__FRAME_WINDOW] = {"WINDOW", 0},
	[PYR__FRAME_PING] = {"PING", 0},
	[PYR__FRAME_PONG] = {"PONG", 0},
	[PYR__FRAME_GOAWAY] = {"GOAWAY", PYR__END},
};

const char *pyr__frame_name(uint8_t type)
{
	return type < PYR__FRAME_TYPES && types[type].name ? types[type].name : "frame";
}

uint8_t pyr__frame_flags(uint8_t type)
{
	return type < PYR__FRAME_TYPES ? types[type].flags : 0;
}
