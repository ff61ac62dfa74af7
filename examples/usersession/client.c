/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two customers of one shop. All proxies of a context share its connection, and so the session:
 * here each customer has a context, as if it were another program.
 */
#include <semaphore.h>
#include <stdio.h>
#include "usersession.pyr.h"

typedef struct customer {
	const char *name;
	pyr_context *context;
	demo_shop *shop;
	demo_stock *stock;
} customer;

static pyr_status come(customer *c, const char *name, pyr_error *err)
{
	*c = (customer){.name = name};
	pyr_status status = pyr_context_new(NULL, &c->context, err);
	if (status == PYR_OK)
		status = demo_shop__open(c->context, "example.shop", NULL, &c->shop, err);
	if (status == PYR_OK)
		status = demo_stock__open(c->context, "example.shop", NULL, &c->stock, err);
	return status;
}

/* Closes the connection, as a crash would. */
static void go(customer *c)
{
	demo_shop__close(c->shop);
	demo_stock__close(c->stock);
	pyr_context_free(c->context);
	*c = (customer){.name = NULL};
}

static void show(const customer *c, pyr_status status, Demo__Cart *cart, const pyr_error *err)
{
	if (status) {
		printf("%s: %s (%s)\n", c->name, err->message, pyr_status_name(status));
		return;
	}
	printf("%s: cart of %s:", c->name, cart->user);
	for (size_t i = 0; i < cart->n_articles; i++)
		printf(" %s", cart->articles[i]);
	printf("%s\n", cart->n_articles ? "" : " empty");
	demo__cart__free_unpacked(cart, NULL);
}

static void log_in(customer *c, char *user, char *password)
{
	Demo__LoginRequest request = DEMO__LOGIN_REQUEST__INIT;
	Demo__Cart *cart = NULL;
	pyr_error err;
	request.user = user;
	request.password = password;
	pyr_status status = demo_shop_login(c->shop, &request, &cart, &err);
	show(c, status, cart, &err);
}

static void add(customer *c, char *article)
{
	Demo__AddRequest request = DEMO__ADD_REQUEST__INIT;
	Demo__Cart *cart = NULL;
	pyr_error err;
	request.article = article;
	pyr_status status = demo_shop_add(c->shop, &request, &cart, &err);
	show(c, status, cart, &err);
}

/* The lamp */

typedef struct reservation {
	const customer *customer;
	sem_t answered;
} reservation;

static void on_reserve(
	void *ctx, pyr_status status, const Demo__ReserveReply *reply, const pyr_error *err)
{
	reservation *r = ctx;
	(void)reply;
	printf("%s: the lamp: %s\n", r->customer->name, status ? err->message : "reserved");
	sem_post(&r->answered);
}

static pyr_status begin_to_reserve(customer *c, reservation *r, pyr_error *err)
{
	Demo__ReserveRequest request = DEMO__RESERVE_REQUEST__INIT;
	r->customer = c;
	sem_init(&r->answered, 0, 0);
	return demo_stock_reserve__invoke(c->stock, &request, on_reserve, r, NULL, err);
}

static void wait_for(reservation *r)
{
	while (sem_wait(&r->answered))
		;
}

static pyr_status count(customer *c, pyr_error *err)
{
	Demo__StatusRequest request = DEMO__STATUS_REQUEST__INIT;
	Demo__StatusReply *reply;
	pyr_status status = demo_stock_status(c->stock, &request, &reply, err);
	if (status == PYR_OK) {
		printf("%s: sessions: %u\n", c->name, reply->sessions);
		demo__status_reply__free_unpacked(reply, NULL);
	}
	return status;
}

static pyr_status shop(customer *anna, customer *ben, pyr_error *err)
{
	static reservation annas, bens; /* callbacks may run until the context is freed */
	pyr_status status = come(anna, "Anna", err);
	if (status == PYR_OK)
		status = come(ben, "Ben", err);
	if (status)
		return status;
	add(anna, "chair");
	log_in(anna, "anna", "sesame");
	log_in(anna, "anna", "open sesame");
	log_in(ben, "ben", "open sesame");
	add(anna, "chair");
	add(anna, "table");
	add(ben, "bike");

	status = begin_to_reserve(anna, &annas, err);
	if (status)
		return status;
	wait_for(&annas);
	status = begin_to_reserve(ben, &bens, err); /* waits for Anna */
	if (status == PYR_OK)
		status = count(ben, err);
	printf("Anna goes\n");
	go(anna);
	if (status)
		return status;
	wait_for(&bens);
	status = count(ben, err);
	if (status == PYR_OK)
		status = come(anna, "Anna, back again", err);
	if (status == PYR_OK)
		log_in(anna, "anna", "open sesame");
	return status;
}

int main(void)
{
	customer anna = {.name = NULL}, ben = {.name = NULL};
	pyr_error err;
	pyr_status status = shop(&anna, &ben, &err);
	go(&anna);
	go(&ben);
	if (status)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	return status != PYR_OK;
}
