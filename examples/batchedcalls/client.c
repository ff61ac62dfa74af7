/* SPDX-License-Identifier: Apache-2.0 */
/* Makes several calls in one round trip, twice: all go well, and one in the middle fails. */
#include <stdio.h>
#include "batchedcalls.pyr.h"

static pyr_status add_put(pyr_batch *batch, unsigned coins, pyr_error *err)
{
	Demo__PutRequest request = DEMO__PUT_REQUEST__INIT;
	request.coins = coins;
	return demo_purse_put__batch(batch, &request, err);
}

static pyr_status add_take(pyr_batch *batch, unsigned coins, pyr_error *err)
{
	Demo__TakeRequest request = DEMO__TAKE_REQUEST__INIT;
	request.coins = coins;
	return demo_purse_take__batch(batch, &request, err);
}

/* A batch knows which of its calls ran; each reply has the type of its method. */
static void print_put(const pyr_batch *batch, size_t index)
{
	Demo__PurseReply *reply;
	pyr_error err;
	if (demo_purse_put__batched(batch, index, &reply, &err)) {
		printf("  call %zu: %s\n", index + 1, err.message);
		return;
	}
	printf("  call %zu: %u coins now\n", index + 1, reply->coins);
	demo__purse_reply__free_unpacked(reply, NULL);
}

/* Puts 5 coins in, takes some, and puts 1 in. */
static int run(demo_purse *purse, unsigned taken)
{
	pyr_error err;
	pyr_batch *batch = pyr_batch_new(demo_purse__proxy(purse));
	if (add_put(batch, 5, &err) || add_take(batch, taken, &err) || add_put(batch, 1, &err)) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	printf("5 in, %u out, 1 in\n", taken);
	pyr_status status = pyr_batch_run(batch, &err);
	if (status)
		printf("  %s: %s\n  %.11s\n", pyr_status_name(status), err.message, err.where);
	printf("  %zu of %zu calls ran and succeeded\n", pyr_batch_ran(batch),
		pyr_batch_count(batch));
	print_put(batch, 0);
	print_put(batch, 2);
	pyr_batch_free(batch);
	return 0;
}

int main(void)
{
	demo_purse *purse;
	pyr_error err;
	if (demo_purse__open(NULL, "example.purse", NULL, &purse, &err)) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	int failed = run(purse, 2) || run(purse, 100);
	demo_purse__close(purse);
	return failed;
}
