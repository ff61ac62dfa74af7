/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A room full of people: a stream of lines from each of them, and one to each. The lines are pushed
 * to a callback on the daemon's loop, so that one thread serves any number of members and the room
 * needs no lock.
 */
#include <stdio.h>
#include <stdlib.h>
#include "chat.pyr.h"

typedef struct room room;

typedef struct member {
	room *room;
	struct member *next;
	pyr_call *call;
} member;

struct room {
	member *members;
};

/* A member that does not listen misses lines: nobody waits for it, and nothing piles up. */
static void tell(member *m, const Demo__Line *line)
{
	pyr_error err;
	if (demo_room_join__send_reply(m->call, line, &err) && err.would_block)
		fprintf(stderr, "%s is too slow\n", pyr_call_peer(m->call));
}

static void leave(member *m)
{
	member **at = &m->room->members;
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	free(m);
}

/* The last time with line NULL: PYR_OK if the member has ended its stream, else why it is gone. */
static void on_line(void *ctx, pyr_call *call, pyr_status status, const Demo__Line *line)
{
	member *speaker = ctx;
	if (line) {
		for (member *m = speaker->room->members; m; m = m->next)
			if (m != speaker)
				tell(m, line);
		return;
	}
	leave(speaker);
	if (status)
		pyr_call_fail(call, status, "the stream of lines broke off");
	else
		pyr_call_end(call);
	pyr_call_unref(call);
}

static void join(void *self, pyr_call *call)
{
	Demo__Line welcome = DEMO__LINE__INIT;
	pyr_error err;
	room *r = self;
	member *m = malloc(sizeof *m);
	if (m)
		*m = (member){r, r->members, call};
	if (!m || demo_room_join__observe_requests(call, on_line, m, &err)) {
		free(m);
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED, "there is no room for one more");
		return;
	}
	r->members = m;
	pyr_call_ref(call); /* it goes on when this function has returned */
	welcome.who = "room";
	welcome.text = "welcome";
	tell(m, &welcome);
}

int main(void)
{
	static const demo_room_ops ops = {.join = join};
	static room r;
	pyr_daemon *daemon = NULL;
	pyr_error err;
	bool failed = pyr_daemon_new(NULL, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		      demo_room__serve(daemon, "room", &ops, &r, &err) ||
		      pyr_daemon_publish(daemon, "room", "example.room", NULL, &err) ||
		      pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	return failed;
}
