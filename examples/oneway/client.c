/* SPDX-License-Identifier: Apache-2.0 */
/* Sends a thousand lines without waiting for any, then asks how many have arrived. */
#include <stdio.h>
#include "oneway.pyr.h"

static pyr_status note_and_ask(demo_journal *journal, pyr_error *err)
{
	char text[32];
	Demo__Line line = DEMO__LINE__INIT;
	Demo__LastRequest request = DEMO__LAST_REQUEST__INIT;
	Demo__LastReply *reply;
	pyr_status status = PYR_OK;
	line.text = text;
	for (int i = 1; i <= 1000 && status == PYR_OK; i++) {
		snprintf(text, sizeof text, "line %d", i);
		status = demo_journal_note(journal, &line, err); /* taken over, not yet run */
	}
	/* on the same connection, so after all of them */
	if (status == PYR_OK)
		status = demo_journal_last(journal, &request, &reply, err);
	if (status == PYR_OK) {
		printf("%u lines, the last is '%s'\n", reply->count, reply->text);
		demo__last_reply__free_unpacked(reply, NULL);
	}
	return status;
}

int main(void)
{
	demo_journal *journal;
	pyr_error err;
	pyr_status status = demo_journal__open(NULL, "example.journal", NULL, &journal, &err);
	if (status == PYR_OK) {
		status = note_and_ask(journal, &err);
		demo_journal__close(journal);
	}
	if (status)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	return status != PYR_OK;
}
