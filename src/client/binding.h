/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a name was found to stand for. A later answer replaces an earlier one if it comes from
 * another store or has a higher revision; a place that did not answer is passed over for a while.
 * Whoever keeps a binding guards it.
 */
#ifndef PYR_CLIENT_BINDING_H
#define PYR_CLIENT_BINDING_H

#include <pyrite/names.pb-c.h>
#include <pyrite/reference.h>

#define PYR__STORE_ID_BYTES 16

/* One reference behind a name. */
typedef struct pyr__place {
	char *reference;   /* in its canonical form */
	uint32_t holder;   /* references of one holder lead to one object, the first is preferred */
	int64_t failed_us; /* when it last failed; 0: not lately */
} pyr__place;

typedef struct pyr__binding {
	uint8_t store_id[PYR__STORE_ID_BYTES];
	uint64_t revision;
	pyr__place *places; /* by holder */
	size_t place_count, place_room;
	uint32_t holder_count; /* of those with a place */
	char key[];            /* what it is kept under */
} pyr__binding;

pyr__binding *pyr__binding_new(const char *key);
void pyr__binding_free(pyr__binding *b); /* takes NULL */

/* Which answer it comes from. A store_id of a wrong size is no store's. */
void pyr__binding_set_version(
	pyr__binding *b, const ProtobufCBinaryData *store_id, uint64_t revision);

/* Adds what can be followed of a name's references. */
void pyr__binding_add(pyr__binding *b, const Pyrite__Name *name);

/* Whoever went to this place got no answer. */
void pyr__binding_failed(pyr__binding *b, const pyr_reference *place);

/* One of the holders in turn, and of its places the first that works; false if there is none. */
bool pyr__binding_choose(const pyr__binding *b, uint32_t turn, pyr_reference *ret_reference);

/* The newer one, which knows what has failed lately; frees the other. known may be NULL. */
pyr__binding *pyr__binding_newer(pyr__binding *known, pyr__binding *heard);

#endif
