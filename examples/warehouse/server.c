/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two objects in one daemon. Only the warehouse has a name; who asks it learns where its ledger is.
 * All servants of this daemon run on its loop, one at a time, so their data needs no lock.
 */
#include <stdio.h>
#include <string.h>
#include "warehouse.pyr.h"

#define ITEMS_MAX 16
#define LINES_MAX 64
#define TEXT_MAX  80

typedef struct warehouse {
	char items[ITEMS_MAX][TEXT_MAX];
	size_t item_count;
	char lines[LINES_MAX][2 * TEXT_MAX]; /* the ledger */
	size_t line_count;
	char ledger_reference[PYR_REFERENCE_MAX];
} warehouse;

static size_t find(const warehouse *w, const char *item)
{
	size_t i = 0;
	while (i < w->item_count && strcmp(w->items[i], item) != 0)
		i++;
	return i;
}

static void note(warehouse *w, const Demo__Move *move, const char *what)
{
	if (w->line_count < LINES_MAX)
		snprintf(w->lines[w->line_count++], sizeof w->lines[0], "%.60s %s the %.60s",
			move->person, what, move->item);
}

/* The warehouse */

static void stock(void *self, pyr_call *call, const Demo__StockRequest *request)
{
	warehouse *w = self;
	char *items[ITEMS_MAX];
	Demo__StockReply reply = DEMO__STOCK_REPLY__INIT;
	(void)request;
	for (size_t i = 0; i < w->item_count; i++)
		items[i] = w->items[i];
	reply.items = items;
	reply.n_items = w->item_count;
	reply.ledger_reference = w->ledger_reference;
	demo_warehouse_stock__reply(call, &reply);
}

static void store(void *self, pyr_call *call, const Demo__Move *move)
{
	warehouse *w = self;
	Demo__MoveReply reply = DEMO__MOVE_REPLY__INIT;
	if (find(w, move->item) < w->item_count) {
		pyr_call_fail(call, PYR_ALREADY_EXISTS, "there is a %s already", move->item);
	} else if (w->item_count == ITEMS_MAX || strlen(move->item) >= TEXT_MAX) {
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED, "the warehouse has no room for that");
	} else {
		strcpy(w->items[w->item_count++], move->item);
		note(w, move, "stored");
		demo_warehouse_store__reply(call, &reply);
	}
}

static void take(void *self, pyr_call *call, const Demo__Move *move)
{
	warehouse *w = self;
	Demo__MoveReply reply = DEMO__MOVE_REPLY__INIT;
	size_t i = find(w, move->item);
	if (i == w->item_count) {
		pyr_call_fail(call, PYR_NOT_FOUND, "there is no %s", move->item);
		return;
	}
	memmove(w->items[i], w->items[--w->item_count], TEXT_MAX);
	note(w, move, "took");
	demo_warehouse_take__reply(call, &reply);
}

/* Its ledger */

static void read_ledger(void *self, pyr_call *call, const Demo__ReadRequest *request)
{
	warehouse *w = self;
	char *lines[LINES_MAX];
	Demo__ReadReply reply = DEMO__READ_REPLY__INIT;
	(void)request;
	for (size_t i = 0; i < w->line_count; i++)
		lines[i] = w->lines[i];
	reply.lines = lines;
	reply.n_lines = w->line_count;
	demo_ledger_read__reply(call, &reply);
}

static const demo_warehouse_ops warehouse_ops = {.stock = stock, .store = store, .take = take};
static const demo_ledger_ops ledger_ops = {.read = read_ledger};

static pyr_status run(pyr_daemon *daemon, warehouse *w, pyr_error *err)
{
	pyr_status status = pyr_daemon_stop_on_signals(daemon, 1000, err);
	if (status == PYR_OK)
		status = pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, err);
	if (status == PYR_OK)
		status = demo_warehouse__serve(daemon, "warehouse", &warehouse_ops, w, err);
	if (status == PYR_OK)
		status = demo_ledger__serve(daemon, "ledger", &ledger_ops, w, err);
	if (status == PYR_OK)
		status = pyr_daemon_reference(
			daemon, "ledger", 0, w->ledger_reference, PYR_REFERENCE_MAX, err);
	if (status == PYR_OK)
		status = pyr_daemon_publish(daemon, "warehouse", "example.warehouse", NULL, err);
	return status ? status : pyr_daemon_run(daemon, err);
}

int main(void)
{
	static warehouse w = {.items = {"chair", "bike", "flashlight"}, .item_count = 3};
	pyr_daemon *daemon;
	pyr_error err;
	pyr_status status = pyr_daemon_new(NULL, &daemon, &err);
	if (status == PYR_OK) {
		status = run(daemon, &w, &err);
		pyr_daemon_free(daemon);
	}
	if (status)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	return status != PYR_OK;
}
