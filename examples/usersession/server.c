/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs to a client, in the two ways that there are: a servant of its own for each session,
 * made at its first call, and things that an only servant keeps for a session. Both are given back
 * when the client is gone, be it by a crash.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "usersession.pyr.h"

#define ARTICLES_MAX 8
#define TEXT_MAX     40

/* Everything runs on the daemon's loop, so nothing needs a lock. */
typedef struct store {
	unsigned sessions;
	pyr_call *waiting; /* for the lamp, of which there is one */
	uint64_t holder;   /* the connection that has it; 0: none */
} store;

/* A shop: one for each session */

typedef struct shop {
	store *store;
	char user[TEXT_MAX];
	char articles[ARTICLES_MAX][TEXT_MAX];
	size_t count;
} shop;

static pyr_status make_shop(void *self, pyr_call *call, void **ret_instance, pyr_error *err)
{
	store *s = self;
	shop *made = calloc(1, sizeof *made);
	if (!made)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "out of memory");
	made->store = s;
	s->sessions++;
	printf("%s comes\n", pyr_call_peer(call));
	*ret_instance = made;
	return PYR_OK;
}

static void destroy_shop(void *self, void *instance)
{
	store *s = self;
	shop *gone = instance;
	s->sessions--;
	printf("%s goes, with %zu articles in the cart\n", *gone->user ? gone->user : "somebody",
		gone->count);
	free(gone);
}

static Demo__Cart cart_of(shop *s, char *articles[ARTICLES_MAX])
{
	Demo__Cart cart = DEMO__CART__INIT;
	for (size_t i = 0; i < s->count; i++)
		articles[i] = s->articles[i];
	cart.user = s->user;
	cart.articles = articles;
	cart.n_articles = s->count;
	return cart;
}

static void login(void *self, pyr_call *call, const Demo__LoginRequest *request)
{
	shop *s = self; /* what make_shop() has made for this session */
	char *articles[ARTICLES_MAX];
	/* a real one looks into a file of hashes, and is reached over TLS */
	if (strcmp(request->password, "open sesame") != 0 || strlen(request->user) >= TEXT_MAX) {
		pyr_call_fail(call, PYR_PERMISSION_DENIED, "wrong user or password");
		return;
	}
	strcpy(s->user, request->user);
	Demo__Cart cart = cart_of(s, articles);
	demo_shop_login__reply(call, &cart);
}

static void add(void *self, pyr_call *call, const Demo__AddRequest *request)
{
	shop *s = self;
	char *articles[ARTICLES_MAX];
	if (!*s->user) {
		pyr_call_fail(call, PYR_UNAUTHENTICATED, "log in first");
	} else if (s->count == ARTICLES_MAX || strlen(request->article) >= TEXT_MAX) {
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED, "the cart has no room for that");
	} else {
		strcpy(s->articles[s->count++], request->article);
		Demo__Cart cart = cart_of(s, articles);
		demo_shop_add__reply(call, &cart);
	}
}

/* The stock: one for all */

static void reserve_for(store *s, pyr_call *call);

/* The session that had it is over. */
static void release(void *resource)
{
	store *s = resource;
	pyr_call *next = s->waiting;
	s->holder = 0;
	s->waiting = NULL;
	if (!next)
		return;
	reserve_for(s, next);
	pyr_call_unref(next);
}

static void reserve_for(store *s, pyr_call *call)
{
	Demo__ReserveReply reply = DEMO__RESERVE_REPLY__INIT;
	pyr_error err;
	if (pyr_call_track(call, s, release, &err)) {
		pyr_call_fail_error(call, &err, NULL, 0); /* the caller is gone already */
		return;
	}
	s->holder = pyr_call_connection(call);
	demo_stock_reserve__reply(call, &reply);
}

static void reserve(void *self, pyr_call *call, const Demo__ReserveRequest *request)
{
	store *s = self;
	Demo__ReserveReply reply = DEMO__RESERVE_REPLY__INIT;
	(void)request;
	if (s->waiting && pyr_call_cancelled(s->waiting)) {
		pyr_call_unref(s->waiting);
		s->waiting = NULL;
	}
	if (!s->holder)
		reserve_for(s, call);
	else if (s->holder == pyr_call_connection(call))
		demo_stock_reserve__reply(call, &reply);
	else if (!s->waiting)
		s->waiting = pyr_call_ref(call); /* answered later */
	else
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED, "somebody waits already");
}

static void status(void *self, pyr_call *call, const Demo__StatusRequest *request)
{
	store *s = self;
	Demo__StatusReply reply = DEMO__STATUS_REPLY__INIT;
	(void)request;
	reply.sessions = s->sessions;
	demo_stock_status__reply(call, &reply);
}

static pyr_status serve(pyr_daemon *daemon, store *s, pyr_error *err)
{
	static const demo_shop_ops shop_ops = {.login = login, .add = add};
	static const demo_stock_ops stock_ops = {.reserve = reserve, .status = status};
	pyr_object_options options = PYR_OBJECT_OPTIONS_INIT;
	options.instances = PYR_INSTANCES_SESSION;
	options.make = make_shop;
	options.destroy = destroy_shop;
	pyr_status failed = demo_shop__serve(daemon, "shop", &shop_ops, s, err);
	if (failed == PYR_OK)
		failed = pyr_daemon_configure(daemon, "shop", &demo_shop__interface, &options, err);
	/* the same id: whoever has the shop's name has the stock's, too */
	return failed ? failed : demo_stock__serve(daemon, "shop", &stock_ops, s, err);
}

int main(void)
{
	static store s;
	pyr_daemon *daemon = NULL;
	pyr_error err;
	setvbuf(stdout, NULL, _IOLBF, 0);
	bool failed = pyr_daemon_new(NULL, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) || serve(daemon, &s, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		      pyr_daemon_publish(daemon, "shop", "example.shop", NULL, &err) ||
		      pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	return failed;
}
