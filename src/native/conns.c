/* SPDX-License-Identifier: Apache-2.0 */
/* All connections that somebody is responsible for. */
#include "native/conns.h"

#include <stdlib.h>
#include "base/alloc.h"
#include "base/refs.h"
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
		/* one that is being freed waits for our lock to take itself out */
		if (pyr__refs_take_if_used(&conn->refs))
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
	for (size_t i = 0; i < count; i++)
		pyr__conn_stop_lingering(all[i]);
	for (size_t i = 0; i < count; i++) {
		pyr__conn_await_reader(all[i]);
		pyr__conn_unref(all[i]);
	}
	free(all);
}
