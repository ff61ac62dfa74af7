/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata: an ordered list of keys and values that travels beside a message. */
#ifndef PYRITE_METADATA_H
#define PYRITE_METADATA_H

#include <pyrite/status.h>

PYR_BEGIN_DECLS

/*
 * Keys are 1 to 255 bytes of a-z, 0-9, '-', '_' and '.'; a key that ends in "-bin" has a value of
 * any bytes, every other key a value of printable ASCII (gRPC's PROTOCOL-HTTP2.md,
 * "Custom-Metadata"). Keys that begin with "grpc-" or "pyrite-" are reserved. Keys may repeat. Not
 * thread-safe.
 */
typedef struct pyr_metadata pyr_metadata;

PYR_API PYR_MUST_USE pyr_metadata *pyr_metadata_new(void); /* never NULL */
PYR_API void pyr_metadata_free(pyr_metadata *metadata);    /* NULL is ignored */
PYR_API void pyr_metadata_clear(pyr_metadata *metadata);   /* removes all entries */

/* Copies key and value. INVALID_ARGUMENT says which character is wrong and where. */
PYR_API PYR_MUST_USE pyr_status pyr_metadata_add(
	pyr_metadata *metadata, const char *key, const char *value, pyr_error *err);
PYR_API PYR_MUST_USE pyr_status pyr_metadata_add_bytes(
	pyr_metadata *metadata, const char *key, const void *value, size_t size, pyr_error *err);

/* The first value of key, NUL-terminated, borrowed until metadata changes; NULL if there is none.
 */
PYR_API const char *pyr_metadata_get(const pyr_metadata *metadata, const char *key);

/* How many entries there are; a key that repeats counts each time. */
PYR_API size_t pyr_metadata_count(const pyr_metadata *metadata);

/* The entry at index (0 .. count - 1), borrowed. ret_size may be NULL. False past the end. */
PYR_API bool pyr_metadata_at(const pyr_metadata *metadata, size_t index, const char **ret_key,
	const char **ret_value, size_t *ret_size);

PYR_END_DECLS

#endif
