/* SPDX-License-Identifier: Apache-2.0 */
/* Reads all that an error has: status, message, place, whether the call ran, and typed details. */
#include <stdio.h>
#include "details.h"
#include "exceptions.pyr.h"

typedef pyr_status (*method)(demo_sums *, const Demo__AddRequest *, Demo__AddReply **, pyr_error *);

static void explain(const pyr_error *err)
{
	static const char *const executed[] = {"perhaps", "no", "yes"};
	printf("  status:  %s\n", pyr_status_name(err->status));
	printf("  message: %s\n", err->message);
	printf("  where:   %s\n", err->where);
	printf("  ran:     %s\n", executed[err->executed]);
	Demo__BadNumber *bad = (Demo__BadNumber *)find_details(err, &demo__bad_number__descriptor);
	if (bad) {
		printf("  details: line %u, column %u, word '%s'\n", bad->line, bad->column,
			bad->word);
		demo__bad_number__free_unpacked(bad, NULL);
	}
}

static void try(demo_sums *sums, const char *name, method call, char *text)
{
	Demo__AddRequest request = DEMO__ADD_REQUEST__INIT;
	Demo__AddReply *reply;
	pyr_error err; /* needs no initialiser and no freeing */
	request.text = text;
	printf("%s\n", name);
	if (call(sums, &request, &reply, &err)) {
		explain(&err);
		return;
	}
	printf("  sum:     %lld\n", (long long)reply->sum);
	demo__add_reply__free_unpacked(reply, NULL);
}

int main(void)
{
	demo_sums *sums;
	pyr_error err;
	if (demo_sums__open(NULL, "example.sums", NULL, &sums, &err))
		return explain(&err), 1;
	try(sums, "a sum", demo_sums_add, "20 22");
	try(sums, "no number", demo_sums_add, "20\n22 x7\n");
	try(sums, "too large", demo_sums_add, "9223372036854775807 1");
	try(sums, "an answer that was forgotten", demo_sums_forget, "1");
	try(sums, "a method that is not there", demo_sums_multiply, "6 7");
	demo_sums__close(sums);
	if (demo_sums__open(NULL, "example.sums.old", NULL, &sums, &err))
		return explain(&err), 1;
	try(sums, "a name that is not there", demo_sums_add, "1");
	demo_sums__close(sums);
}
