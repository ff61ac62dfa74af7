/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a journal: lines come in as oneway calls, which are not answered. */
#include <stdio.h>
#include "oneway.pyr.h"

typedef struct journal {
	uint32_t count;
	char last[256];
} journal;

static void note(void *self, pyr_call *call, const Demo__Line *line)
{
	journal *j = self;
	(void)call; /* there is nobody to reply to */
	j->count++;
	snprintf(j->last, sizeof j->last, "%s", line->text);
}

static void last(void *self, pyr_call *call, const Demo__LastRequest *request)
{
	journal *j = self;
	Demo__LastReply reply = DEMO__LAST_REPLY__INIT;
	(void)request;
	reply.count = j->count;
	reply.text = j->last;
	demo_journal_last__reply(call, &reply);
}

int main(void)
{
	static const demo_journal_ops ops = {.note = note, .last = last};
	static journal j;
	pyr_daemon *daemon = NULL;
	pyr_error err;
	bool failed = pyr_daemon_new(NULL, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		      demo_journal__serve(daemon, "journal", &ops, &j, &err) ||
		      pyr_daemon_publish(daemon, "journal", "example.journal", NULL, &err) ||
		      pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	return failed;
}
