/* SPDX-License-Identifier: Apache-2.0 */
/* Between the store's records and the protocol's messages. */
#ifndef NS_CONVERT_H
#define NS_CONVERT_H

#include <pyrite/names.pyr.h>
#include "region.h"
#include "store.h"

typedef enum ns_parts {
	NS_WITH_HOLDERS = 1,
	NS_WITH_TAGS = 2,
} ns_parts;

/* What of the record is asked for (ns_parts). In the region; texts are borrowed from the record. */
Pyrite__Name *ns_to_name(
	ns_region *region, const ns_store *store, const ns_record *record, unsigned parts);

/* The store's id, borrowed from it. */
ProtobufCBinaryData ns_to_store_id(const ns_store *store);

/*
 * Each of them must be a reference of an object somewhere: not name: or tag:, which lead back here,
 * and not local:, which leads nowhere from elsewhere. INVALID_ARGUMENT tells the byte.
 */
PYR_MUST_USE pyr_status ns_check_references(char *const *references, size_t count, pyr_error *err);

/* At most one of the two texts is not empty: INVALID_ARGUMENT, which names both. */
PYR_MUST_USE pyr_status ns_check_one_of(
	const char *a, const char *a_name, const char *b, const char *b_name, pyr_error *err);

/* Tags to look for, of which a request may have NS_FILTER_TAGS_MAX. */
#define NS_FILTER_TAGS_MAX 64
PYR_MUST_USE pyr_status ns_check_filter_tags(char *const *tags, size_t count, pyr_error *err);

#endif
