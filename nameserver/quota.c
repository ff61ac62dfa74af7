/* SPDX-License-Identifier: Apache-2.0 */
/* Counters by connection, which exist while they are above 0. */
#include "quota.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "alloc.h"

typedef struct counter {
	ns_leaf leaf;
	uint32_t count;
	char key[17];
} counter;

static void make_key(uint64_t connection, char key[17])
{
	snprintf(key, 17, "%016" PRIx64, connection);
}

static counter *new_counter(ns_quota *quota, const char key[17])
{
	counter *c = ns_zalloc(sizeof *c);
	snprintf(c->key, sizeof c->key, "%s", key);
	c->leaf.key = c->key;
	ns_index_add(&quota->connections, &c->leaf);
	return c;
}

pyr_status ns_quota_take(ns_quota *quota, uint64_t connection, uint32_t total_max,
	uint32_t connection_max, const char *what, pyr_error *err)
{
	char key[17];
	make_key(connection, key);
	counter *c = (counter *)ns_index_find(&quota->connections, key);
	const char *whose = quota->total >= total_max              ? "the name server"
			    : (c ? c->count : 0) >= connection_max ? "this connection"
								   : NULL;
	if (whose)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "%s has %u %s already", whose,
			quota->total >= total_max ? total_max : connection_max, what);
	if (!c)
		c = new_counter(quota, key);
	c->count++;
	quota->total++;
	return PYR_OK;
}

void ns_quota_give_back(ns_quota *quota, uint64_t connection)
{
	char key[17];
	make_key(connection, key);
	counter *c = (counter *)ns_index_find(&quota->connections, key);
	quota->total--;
	if (--c->count > 0)
		return;
	ns_index_remove(&quota->connections, key);
	free(c);
}
