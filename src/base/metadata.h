/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata as it travels. A block is its entries one after the other, nothing before, between or
 * behind them:
 *
 *     +----------+---------------+-----------+-------------+
 *     | u8 k     | u16 v, little | key       | value       |   k 1..255, v 0..65,535
 *     |          | endian        | k bytes   | v bytes     |
 *     +----------+---------------+-----------+-------------+
 *
 * Keys and values are as <pyrite/metadata.h> says; reserved keys may occur.
 */
#ifndef PYR_BASE_METADATA_H
#define PYR_BASE_METADATA_H

#include <pyrite/metadata.h>
#include "base/text.h"

#define PYR__METADATA_VALUE_MAX 65535u /* bytes of one value */

/* One entry for each daemon that a oneway call was passed on by. */
#define PYR__METADATA_PASSED_ON "pyrite-passed-on"

/* True if these bytes, which may come from a peer, are a block of valid entries. */
bool pyr__metadata_check(const void *block, size_t size);

/* The encoded block, borrowed until metadata changes. Empty for NULL. */
pyr__text pyr__metadata_text(const pyr_metadata *metadata);

/* Replaces what metadata holds by a copy of block; false, and nothing done, if it is malformed. */
bool pyr__metadata_load(pyr_metadata *metadata, pyr__text block);

/* A new one with the same entries; NULL for NULL. */
pyr_metadata *pyr__metadata_copy(const pyr_metadata *metadata);

/* pyr_metadata_add() that takes reserved keys as well. */
pyr_status pyr__metadata_add_reserved(
	pyr_metadata *metadata, const char *key, const void *value, size_t size, pyr_error *err);

#endif
