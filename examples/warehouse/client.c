/* SPDX-License-Identifier: Apache-2.0 */
/* Janet and Henry visit the warehouse; then its ledger tells what they have done. */
#include <stdio.h>
#include "warehouse.pyr.h"

/* A failed call is a status, and what the servant said about it. */
static void say(const char *what, const char *item, pyr_status status, const pyr_error *err)
{
	if (status)
		printf("  %s %s: %s (%s)\n", what, item, err->message, pyr_status_name(status));
	else
		printf("  %s %s: done\n", what, item);
}

static void visit(demo_warehouse *warehouse, char *person, char *brings, char *wants)
{
	Demo__Move move = DEMO__MOVE__INIT;
	Demo__MoveReply *reply;
	pyr_error err;
	pyr_status status;
	printf("%s visits\n", person);
	move.person = person;

	move.item = brings;
	status = demo_warehouse_store(warehouse, &move, &reply, &err);
	say("store", brings, status, &err);
	if (status == PYR_OK)
		demo__move_reply__free_unpacked(reply, NULL);

	move.item = wants;
	status = demo_warehouse_take(warehouse, &move, &reply, &err);
	say("take", wants, status, &err);
	if (status == PYR_OK)
		demo__move_reply__free_unpacked(reply, NULL);
}

/* The second object: reached by a reference that came in an answer. */
static pyr_status read_ledger(const char *reference, pyr_error *err)
{
	demo_ledger *ledger;
	Demo__ReadRequest request = DEMO__READ_REQUEST__INIT;
	Demo__ReadReply *reply;
	pyr_status status = demo_ledger__open(NULL, reference, NULL, &ledger, err);
	if (status)
		return status;
	status = demo_ledger_read(ledger, &request, &reply, err);
	if (status == PYR_OK) {
		for (size_t i = 0; i < reply->n_lines; i++)
			printf("ledger: %s\n", reply->lines[i]);
		demo__read_reply__free_unpacked(reply, NULL);
	}
	demo_ledger__close(ledger);
	return status;
}

static pyr_status tour(demo_warehouse *warehouse, pyr_error *err)
{
	Demo__StockRequest request = DEMO__STOCK_REQUEST__INIT;
	Demo__StockReply *stock;
	visit(warehouse, "Janet", "lamp", "bike");
	visit(warehouse, "Henry", "chair", "bike");
	pyr_status status = demo_warehouse_stock(warehouse, &request, &stock, err);
	if (status)
		return status;
	for (size_t i = 0; i < stock->n_items; i++)
		printf("in stock: %s\n", stock->items[i]);
	status = read_ledger(stock->ledger_reference, err);
	demo__stock_reply__free_unpacked(stock, NULL);
	return status;
}

int main(void)
{
	demo_warehouse *warehouse;
	pyr_error err;
	pyr_status status = demo_warehouse__open(NULL, "example.warehouse", NULL, &warehouse, &err);
	if (status == PYR_OK) {
		status = tour(warehouse, &err);
		demo_warehouse__close(warehouse);
	}
	if (status)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	return status != PYR_OK;
}
