/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a name is, and who changes it: by token over TCP, by user on a Unix socket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "served.h"

static const char token_lines[] = "alice a1\nbob b1\nanna root1 admin\n";

/* Somebody with a connection of their own. */
typedef struct client {
	served *s;
	pyr_context *context;
	pyrite_names *names;
} client;

static void give_tokens(served *s)
{
	char path[128];
	ns_tokens *tokens;
	snprintf(path, sizeof path, "%s/tokens", s->directory);
	FILE *file = fopen(path, "w");
	cr_assert(file && fputs(token_lines, file) >= 0 && fchmod(fileno(file), 0600) == 0);
	fclose(file);
	assert_ok(s, ns_tokens_load(path, &tokens, &s->err));
	s->options.tokens = tokens;
}

/* The name server's address on TCP. */
static void listen_on_tcp(served *s, char *buf, size_t size)
{
	char reference[PYR_REFERENCE_MAX];
	assert_ok(s, pyr_daemon_listen(s->daemon, "127.0.0.1:0", NULL, &s->err));
	assert_ok(s, pyr_daemon_reference(
			     s->daemon, NS_OWN_NAME, 1, reference, sizeof reference, &s->err));
	snprintf(buf, size, "%s", strchr(reference, '@') + 1);
}

static client come(served *s, const char *endpoint, const char *token)
{
	client c = {.s = s};
	char reference[PYR_REFERENCE_MAX];
	snprintf(reference, sizeof reference, "pyr:pyrite.nameserver@%s", endpoint);
	assert_ok(s, pyr_context_new(NULL, &c.context, &s->err));
	if (token)
		assert_ok(s, pyr_context_set_token(c.context, endpoint, token, false, &s->err));
	assert_ok(s, pyrite_names__open(c.context, reference, NULL, &c.names, &s->err));
	return c;
}

static void go(client *c)
{
	pyrite_names__close(c->names);
	pyr_context_free(c->context);
}

static pyr_status put_by(client *c, const char *name, bool replace, uint64_t lease_id)
{
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	Pyrite__RegisterReply *reply;
	char *references[] = {"pyr:x@127.0.0.1:1"};
	request.name = (char *)name;
	request.references = references;
	request.n_references = 1;
	request.replace = replace;
	request.lease_id = lease_id;
	pyr_status status = pyrite_names_register(c->names, &request, &reply, &c->s->err);
	if (status == PYR_OK)
		pyrite__register_reply__free_unpacked(reply, NULL);
	return status;
}

static pyr_status take_by(client *c, const char *name, const char *prefix, uint64_t *ret_count)
{
	Pyrite__RemoveRequest request = PYRITE__REMOVE_REQUEST__INIT;
	Pyrite__RemoveReply *reply;
	request.name = (char *)name;
	request.prefix = (char *)prefix;
	pyr_status status = pyrite_names_remove(c->names, &request, &reply, &c->s->err);
	if (status == PYR_OK) {
		*ret_count = reply->count;
		pyrite__remove_reply__free_unpacked(reply, NULL);
	}
	return status;
}

static pyr_status tag_by(client *c, const char *name)
{
	Pyrite__SetTagsRequest request = PYRITE__SET_TAGS_REQUEST__INIT;
	Pyrite__SetTagsReply *reply;
	char *tags[] = {"new"};
	request.name = (char *)name;
	request.add = tags;
	request.n_add = 1;
	pyr_status status = pyrite_names_set_tags(c->names, &request, &reply, &c->s->err);
	if (status == PYR_OK)
		pyrite__set_tags_reply__free_unpacked(reply, NULL);
	return status;
}

static pyr_status lease_by(client *c, uint64_t *ret_id)
{
	Pyrite__GrantRequest request = PYRITE__GRANT_REQUEST__INIT;
	Pyrite__GrantReply *reply;
	request.ttl_ms = 60000;
	pyr_status status = pyrite_names_grant(c->names, &request, &reply, &c->s->err);
	if (status == PYR_OK) {
		*ret_id = reply->lease_id;
		pyrite__grant_reply__free_unpacked(reply, NULL);
	}
	return status;
}

static pyr_status renew_by(client *c, uint64_t lease_id, uint64_t *ret_names)
{
	Pyrite__RenewRequest request = PYRITE__RENEW_REQUEST__INIT;
	Pyrite__RenewReply *reply;
	request.lease_id = lease_id;
	pyr_status status = pyrite_names_renew(c->names, &request, &reply, &c->s->err);
	if (status == PYR_OK) {
		*ret_names = reply->names;
		pyrite__renew_reply__free_unpacked(reply, NULL);
	}
	return status;
}

static pyr_status revoke_by(client *c, uint64_t lease_id)
{
	Pyrite__RevokeRequest request = PYRITE__REVOKE_REQUEST__INIT;
	Pyrite__RevokeReply *reply;
	request.lease_id = lease_id;
	pyr_status status = pyrite_names_revoke(c->names, &request, &reply, &c->s->err);
	if (status == PYR_OK)
		pyrite__revoke_reply__free_unpacked(reply, NULL);
	return status;
}

static const char *owner_of(client *c, const char *name)
{
	static char owner[PYR_PRINCIPAL_MAX];
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	Pyrite__LookupReply *reply;
	request.name = (char *)name;
	assert_ok(c->s, pyrite_names_lookup(c->names, &request, &reply, &c->s->err));
	snprintf(owner, sizeof owner, "%s", reply->name->holders[0]->owner);
	pyrite__lookup_reply__free_unpacked(reply, NULL);
	return owner;
}

static void run_with_tokens(const char *kind, void (*body)(served *s, const char *tcp))
{
	served s;
	char tcp[64];
	served_init(&s, kind);
	give_tokens(&s);
	served_start(&s);
	listen_on_tcp(&s, tcp, sizeof tcp);
	body(&s, tcp);
	served_done(&s);
	ns_tokens_free((ns_tokens *)s.options.tokens);
	CHECK_LEAKS();
}

static void ownership(served *s, const char *tcp)
{
	client alice = come(s, tcp, "a1"), bob = come(s, tcp, "b1"), anna = come(s, tcp, "root1");
	uint64_t lease_id, count;
	assert_ok(s, put_by(&alice, "calc", false, 0));
	cr_assert_str_eq(owner_of(&bob, "calc"), "alice");
	assert_fails(s, PYR_PERMISSION_DENIED, "\"alice\"", put_by(&bob, "calc", true, 0));
	assert_fails(s, PYR_PERMISSION_DENIED, "\"alice\"", take_by(&bob, "calc", "", &count));
	assert_fails(s, PYR_PERMISSION_DENIED, "\"alice\"", tag_by(&bob, "calc"));
	assert_ok(s, take_by(&bob, "", "ca", &count));
	cr_assert_eq(count, 0, "a prefix leaves alone what belongs to others");
	assert_ok(s, tag_by(&alice, "calc"));
	assert_ok(s, put_by(&alice, "calc", true, 0));

	assert_ok(s, lease_by(&alice, &lease_id));
	assert_ok(s, put_by(&alice, "leased", false, lease_id));
	assert_ok(s, renew_by(&alice, lease_id, &count));
	cr_assert_eq(count, 1);
	assert_fails(s, PYR_PERMISSION_DENIED, "\"alice\"", put_by(&bob, "bobs", false, lease_id));
	assert_fails(s, PYR_PERMISSION_DENIED, "\"alice\"", renew_by(&bob, lease_id, &count));
	assert_fails(s, PYR_PERMISSION_DENIED, "\"alice\"", revoke_by(&bob, lease_id));

	assert_ok(s, put_by(&anna, "leased", true, 0));
	cr_assert_str_eq(owner_of(&bob, "leased"), "anna");
	assert_ok(s, renew_by(&alice, lease_id, &count));
	cr_assert_eq(count, 0);
	assert_fails(s, PYR_PERMISSION_DENIED, "\"anna\"", put_by(&alice, "leased", true, 0));
	assert_ok(s, take_by(&anna, "", "ca", &count));
	cr_assert_eq(count, 1);
	assert_fails(s, PYR_PERMISSION_DENIED, "own", take_by(&anna, NS_OWN_NAME, "", &count));
	go(&alice);
	go(&bob);
	go(&anna);
}

Test(access, a_name_is_changed_by_its_owner_and_administrators_only)
{
	run_with_tokens("memory", ownership);
}

Test(access, the_same_with_a_store_on_disk)
{
	run_with_tokens("sqlite", ownership);
}

static void strangers(served *s, const char *tcp)
{
	client alice = come(s, tcp, "a1"), nobody = come(s, tcp, NULL), liar = come(s, tcp, "a2");
	client local = come(s, s->endpoint, NULL);
	uint64_t lease_id, count;
	char user[32];
	assert_ok(s, lease_by(&alice, &lease_id));
	assert_ok(s, put_by(&alice, "calc", false, lease_id));
	assert_fails(s, PYR_UNAUTHENTICATED, "token", put_by(&nobody, "x", false, 0));
	cr_assert_eq(s->err.executed, PYR_EXECUTED_NO);
	assert_fails(s, PYR_UNAUTHENTICATED, "token", put_by(&nobody, "calc", true, 0));
	assert_fails(s, PYR_UNAUTHENTICATED, "token", take_by(&nobody, "calc", "", &count));
	assert_fails(s, PYR_UNAUTHENTICATED, "token", take_by(&nobody, "", "c", &count));
	assert_fails(s, PYR_UNAUTHENTICATED, "token", tag_by(&nobody, "calc"));
	assert_fails(s, PYR_UNAUTHENTICATED, "token", lease_by(&nobody, &lease_id));
	assert_fails(s, PYR_UNAUTHENTICATED, "token", renew_by(&nobody, lease_id, &count));
	assert_fails(s, PYR_UNAUTHENTICATED, "token", revoke_by(&nobody, lease_id));
	cr_assert_str_eq(owner_of(&nobody, "calc"), "alice");
	assert_fails(s, PYR_UNAUTHENTICATED, "does not know", put_by(&liar, "x", false, 0));
	/* on the Unix socket the kernel vouches: no token is needed, and this is the server's user
	 */
	snprintf(user, sizeof user, "uid:%u", (unsigned)geteuid());
	assert_ok(s, put_by(&local, "local", false, 0));
	cr_assert_str_eq(owner_of(&nobody, "local"), user);
	assert_fails(s, PYR_PERMISSION_DENIED, user, take_by(&alice, "local", "", &count));
	assert_ok(s, take_by(&local, "calc", "", &count));
	go(&alice);
	go(&nobody);
	go(&liar);
	go(&local);
}

Test(access, with_tokens_strangers_read_and_change_nothing)
{
	run_with_tokens("memory", strangers);
}

static void without_tokens(served *s)
{
	char tcp[64], user[32];
	uint64_t count;
	listen_on_tcp(s, tcp, sizeof tcp);
	snprintf(user, sizeof user, "uid:%u", (unsigned)geteuid());
	client one = come(s, tcp, NULL), other = come(s, tcp, "meaningless");
	client local = come(s, s->endpoint, NULL);
	assert_ok(s, put_by(&one, "free", false, 0));
	cr_assert_str_eq(owner_of(&one, "free"), "");
	assert_ok(s, put_by(&other, "free", true, 0));
	assert_ok(s, tag_by(&local, "free"));
	cr_assert_str_eq(owner_of(&one, "free"), "");
	assert_ok(s, put_by(&local, "free", true, 0));
	cr_assert_str_eq(owner_of(&one, "free"), user);
	assert_fails(s, PYR_PERMISSION_DENIED, user, put_by(&one, "free", true, 0));
	assert_fails(s, PYR_PERMISSION_DENIED, user, take_by(&one, "free", "", &count));
	assert_ok(s, take_by(&local, "free", "", &count));
	go(&one);
	go(&other);
	go(&local);
}

Test(access, without_tokens_what_is_nobodys_is_everybodys)
{
	run_served("memory", without_tokens);
}

/* PYRITE_TOKEN */

static void serve_nothing(pyr_daemon *daemon, served *s)
{
	static const pyrite_names_ops no_ops;
	assert_ok(s, pyrite_names__serve(daemon, "calc", &no_ops, NULL, &s->err));
	assert_ok(s, pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &s->err));
	assert_ok(s, pyr_daemon_start(daemon, &s->err));
}

static void from_environment(served *s, const char *tcp)
{
	setenv("PYRITE_TOKEN", "a1", 1);
	pyr_context *context;
	pyr_daemon *daemon;
	pyr_context_options context_options = PYR_CONTEXT_OPTIONS_INIT;
	context_options.name_server = tcp;
	assert_ok(s, pyr_context_new(&context_options, &context, &s->err));
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.context = context;
	assert_ok(s, pyr_daemon_new(&options, &daemon, &s->err));
	serve_nothing(daemon, s);
	assert_ok(s, pyr_daemon_publish(daemon, "calc", "calc", NULL, &s->err));
	unsetenv("PYRITE_TOKEN");
	client reader = come(s, tcp, NULL);
	cr_assert_str_eq(owner_of(&reader, "calc"), "alice");
	pyr_daemon_stop(daemon, 1000);
	cr_assert_not(is_there(s, "calc"));
	go(&reader);
	pyr_daemon_free(daemon);
	pyr_context_free(context);
}

Test(access, a_daemon_publishes_as_whom_PYRITE_TOKEN_stands_for)
{
	run_with_tokens("memory", from_environment);
}

static void for_nobody_else(served *s, const char *tcp)
{
	setenv("PYRITE_TOKEN", "a1", 1); /* for 127.0.0.1:9790, which is another server */
	unsetenv("PYRITE_NS");
	client elsewhere = come(s, tcp, NULL);
	assert_fails(s, PYR_UNAUTHENTICATED, "token", put_by(&elsewhere, "x", false, 0));
	go(&elsewhere);
	setenv("PYRITE_NS", tcp, 1);
	client here = come(s, tcp, NULL);
	assert_ok(s, put_by(&here, "x", false, 0));
	go(&here);
	setenv("PYRITE_TOKEN", "", 1);
	client empty = come(s, tcp, NULL);
	assert_fails(s, PYR_UNAUTHENTICATED, "token", put_by(&empty, "y", false, 0));
	go(&empty);
	setenv("PYRITE_TOKEN", "two words", 1);
	pyr_context *context;
	assert_fails(
		s, PYR_INVALID_ARGUMENT, "PYRITE_TOKEN", pyr_context_new(NULL, &context, &s->err));
	unsetenv("PYRITE_TOKEN");
	unsetenv("PYRITE_NS");
}

Test(access, PYRITE_TOKEN_is_shown_to_the_name_server_alone)
{
	run_with_tokens("memory", for_nobody_else);
}
