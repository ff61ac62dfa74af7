/* SPDX-License-Identifier: Apache-2.0 */
/* All connections that somebody is responsible for. */
#include "native/conns.h"

#include <stdlib.h>
#include "base/alloc.h"
#include "native/conn_private.h"

void pyr__conns_init(pyr__conns *conns)
{
	pthread_mutex_init(&conns->lock, NULL);
	pyr__list_init(&conns->list);
}

void pyr__conns_done(pyr__conns *conns)
{
	pthread_mutex_destroy(&conns->lock);
}

/* One that is being freed just now waits for our lock to take itself out, and cannot be had. */
static bool try_ref(pyr__conn *conn)
{
	unsigned refs = atomic_load_explicit(&conn->refs, memory_order_relaxed);
	while (refs > 0)
		if (atomic_compare_exchange_weak_explicit(&conn->refs, &refs, refs + 1,
			    memory_order_relaxed, memory_order_relaxed))
			return true;
	return false;
}

/* References on all of them, in an array to be freed. */
static pyr__conn **hold(pyr__conns *conns, size_t *ret_count)
{
	size_t count = 0, held = 0;
	pthread_mutex_lock(&conns->lock);
	for (pyr__link *l = conns->list.next; l != &conns->list; l = l->next)
		count++;
	pyr__conn **all = pyr__alloc((count + 1) * sizeof(pyr__conn *));
	for (pyr__link *l = conns->list.next; l != &conns->list; l = l->next) {
		pyr__conn *conn = PYR__OWNER(l, pyr__conn, among);
		if (try_ref(conn))
			all[held++] = conn;
	}
	pthread_mutex_unlock(&conns->lock);
	*ret_count = held;
	return all;
}

void pyr__conns_settle(pyr__conns *conns, int64_t until_us)
{
	size_t count;
	pyr__conn **all = hold(conns, &count);
	for (size_t i = 0; i < count; i++) {
		pyr__conn_settle(all[i], until_us);
		pyr__conn_unref(all[i]);
	}
	free(all);
}

void pyr__conns_shut(pyr__conns *conns, pyr_status status, const char *reason)
{
	size_t count;
	pyr__conn **all = hold(conns, &count);
	for (size_t i = 0; i < count; i++)
		pyr__conn_shut(all[i], status, reason);
	for (size_t i = 0; i < count; i++) {
		pyr__conn_await_reader(all[i]);
		pyr__conn_unref(all[i]);
	}
	free(all);
}
