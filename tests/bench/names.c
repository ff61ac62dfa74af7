/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a name server does in a second.
 *
 *   usage: bench_names lookup --connect ENDPOINT --count NAMES --outstanding N   on one connection
 *          bench_names register --connect ENDPOINT --outstanding N    N clients, one at a time each
 *          bench_names list --connect ENDPOINT --count NAMES          a prefix, in pages
 */
#include <event2/event.h>
#include <pyrite/names.pyr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "load.h"

#define NAMES_EACH 16   /* that each client registers in turn */
#define PAGE       1000 /* names; the most that a server gives */
#define PREFIX     "bench/"

typedef struct names {
	meter *meter;
	const meter_options *options;
	struct event_base *base;
	unsigned under_way;
	uint64_t asked;
	uint64_t left; /* to be registered before the measuring */
} names;

/* A client, or one of the lookups under way. */
typedef struct slot {
	names *owner;
	unsigned number;
	pyr_context *context; /* NULL: another's */
	pyrite_names *proxy;
	uint64_t began_ns, asked;
	char name[64];
} slot;

static void end_slot(slot *s)
{
	if (--s->owner->under_way == 0)
		event_base_loopbreak(s->owner->base);
}

/* Registering */

static void on_registered(
	void *ctx, pyr_status status, const Pyrite__RegisterReply *reply, const pyr_error *err);

static void register_name(slot *s)
{
	static char one[] = "pyr:load@127.0.0.1:1", other[] = "pyr:load@127.0.0.1:2";
	char *reference = s->asked / NAMES_EACH % 2 ? other : one; /* so that it changes */
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	pyr_error err;
	request.name = s->name;
	request.n_references = 1;
	request.references = &reference;
	request.replace = true;
	s->began_ns = meter_now_ns();
	load_check(pyrite_names_register__invoke(s->proxy, &request, on_registered, s, NULL, &err),
		&err);
}

static void register_next(slot *s)
{
	snprintf(s->name, sizeof s->name, PREFIX "%u/%u", s->number,
		(unsigned)(s->asked % NAMES_EACH));
	register_name(s);
	s->asked++;
}

static void on_registered(
	void *ctx, pyr_status status, const Pyrite__RegisterReply *reply, const pyr_error *err)
{
	slot *s = ctx;
	(void)reply;
	if (status)
		meter_error(s->owner->meter, 0, err->message);
	else if (meter_note_done(s->owner->meter, 0, s->began_ns)) {
		register_next(s);
		return;
	}
	end_slot(s);
}

/* Names that are there before the measuring */

static void on_filled(
	void *ctx, pyr_status status, const Pyrite__RegisterReply *reply, const pyr_error *err);

static void fill_next(slot *s)
{
	pyr_error err;
	char text[] = "pyr:load@127.0.0.1:1", *reference = text;
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	snprintf(s->name, sizeof s->name, PREFIX "%llu", (unsigned long long)--s->owner->left);
	request.name = s->name;
	request.n_references = 1;
	request.references = &reference;
	load_check(
		pyrite_names_register__invoke(s->proxy, &request, on_filled, s, NULL, &err), &err);
}

static void on_filled(
	void *ctx, pyr_status status, const Pyrite__RegisterReply *reply, const pyr_error *err)
{
	slot *s = ctx;
	(void)reply;
	load_check(status, err);
	if (s->owner->left > 0)
		fill_next(s);
	else
		end_slot(s);
}

/* Lookups */

static void on_found(
	void *ctx, pyr_status status, const Pyrite__LookupReply *reply, const pyr_error *err);

static void look_up_next(slot *s)
{
	names *n = s->owner;
	pyr_error err;
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	snprintf(s->name, sizeof s->name, PREFIX "%llu",
		(unsigned long long)(n->asked++ * 7919 % n->options->count));
	request.name = s->name;
	s->began_ns = meter_now_ns();
	load_check(pyrite_names_lookup__invoke(s->proxy, &request, on_found, s, NULL, &err), &err);
}

static void on_found(
	void *ctx, pyr_status status, const Pyrite__LookupReply *reply, const pyr_error *err)
{
	slot *s = ctx;
	meter *m = s->owner->meter;
	if (status)
		meter_error(m, 0, err->message);
	else if (!reply->name || strcmp(reply->name->name, s->name) != 0)
		meter_error(m, 0, "another name has come back");
	else if (meter_note_done(m, 0, s->began_ns)) {
		look_up_next(s);
		return;
	}
	end_slot(s);
}

/* Lists */

/* From the beginning to the end, a page after the other; how many names there were. */
static uint64_t list_all(slot *s, bool *go)
{
	pyr_error err;
	uint64_t seen = 0;
	char *token = strdup("");
	for (bool last = false; !last;) {
		Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
		Pyrite__ListReply *reply;
		char prefix[] = PREFIX;
		request.prefix = prefix;
		request.page_size = PAGE;
		request.page_token = token;
		uint64_t began_ns = meter_now_ns();
		load_check(pyrite_names_list(s->proxy, &request, &reply, &err), &err);
		*go = meter_note_done(s->owner->meter, 0, began_ns) && *go;
		seen += reply->n_names;
		free(token);
		token = strdup(reply->next_page_token);
		last = !token || !*token;
		pyrite__list_reply__free_unpacked(reply, NULL);
	}
	free(token);
	return seen;
}

static void list_again_and_again(slot *s)
{
	bool go = true;
	uint64_t total = 0, expected = s->owner->options->count, began_ns = meter_now_ns();
	while (go) {
		uint64_t seen = list_all(s, &go);
		total += seen;
		if (seen != expected)
			meter_error(s->owner->meter, 0, "a list is not complete");
	}
	meter_extra(s->owner->meter, "names_per_second",
		(double)total / ((double)(meter_now_ns() - began_ns) / 1e9));
}

/* Around them */

/* On a connection of its own, or on that of the first. */
static void open_slot(slot *s, names *n, unsigned number, const slot *first)
{
	pyr_error err;
	char reference[PYR_REFERENCE_MAX];
	s->owner = n;
	s->number = number;
	if (first) {
		s->proxy = pyrite_names__ref(first->proxy);
		return;
	}
	s->context = load_context(n->base);
	load_reference("pyrite.nameserver", n->options->endpoint, reference);
	load_check(pyrite_names__open(s->context, reference, NULL, &s->proxy, &err), &err);
}

static void run_all(slot *slots, names *n, void (*next)(slot *))
{
	n->under_way = n->options->outstanding;
	for (unsigned i = 0; i < n->options->outstanding; i++)
		next(&slots[i]);
	event_base_loop(n->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void fill(slot *slots, names *n)
{
	n->left = n->options->count;
	if (n->left < n->options->outstanding)
		meter_die("--count has to be at least %u", n->options->outstanding);
	run_all(slots, n, fill_next);
}

static void measure(const char *what, slot *slots, names *n)
{
	bool is_register = strcmp(what, "register") == 0;
	for (unsigned i = 0; i < n->options->outstanding; i++)
		open_slot(&slots[i], n, i, i > 0 && !is_register ? &slots[0] : NULL);
	if (!is_register)
		fill(slots, n);
	meter_start(n->meter);
	if (is_register)
		run_all(slots, n, register_next);
	else if (strcmp(what, "lookup") == 0)
		run_all(slots, n, look_up_next);
	else
		list_again_and_again(&slots[0]);
	for (unsigned i = n->options->outstanding; i-- > 0;) {
		pyrite_names__close(slots[i].proxy);
		pyr_context_free(slots[i].context);
	}
}

int main(int argc, char **argv)
{
	static const char usage[] = "bench_names lookup|register|list --connect ENDPOINT ...";
	const char *what = argc > 1 ? argv[1] : "";
	if (strcmp(what, "lookup") && strcmp(what, "register") && strcmp(what, "list"))
		meter_die("usage: %s", usage);
	meter_options o = meter_parse(argc - 1, argv + 1, usage);
	names n = {.meter = meter_new(&o, 1), .options = &o, .base = event_base_new()};
	slot *slots = calloc(o.outstanding, sizeof *slots);
	if (!n.base || !slots || !o.endpoint)
		meter_die("%s", o.endpoint ? "there is no memory" : "--connect is needed");
	measure(what, slots, &n);
	event_base_free(n.base);
	free(slots);
	return meter_finish(n.meter);
}
