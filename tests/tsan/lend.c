/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that are lent, accepted, handed on, called back over the client's connection and
 * forwarded by several threads at once; and then, in an order that changes from round to round,
 * both daemons and both contexts are freed by two threads while others give back what they hold.
 * Built for ThreadSanitizer, and as an ordinary test for AddressSanitizer.
 */
#include <pthread.h>
#include <pyrite/object.pb-c.h>
#include <pyrite/pyrite.h>
#include <stdlib.h>
#include <string.h>
#include "lend.pyr.h"
#include "tally.h"
#include "tsan/tsan.h"

#define THREADS  4
#define ROUNDS   24
#define STEPS    40   /* of each thread, in a round */
#define LEASE_MS 1000 /* on a busy machine a holder renews it late, but not by so much */
#define FREED    4    /* two daemons and two contexts */

typedef struct round {
	pyr_context *contexts[2]; /* the client's, and the host's */
	pyr_daemon *client, *host;
	char main[PYR_REFERENCE_MAX], bank[PYR_REFERENCE_MAX];
	tally lent, released;
	pthread_mutex_t lock; /* guards what follows */
	char last_id[PYR_OBJECT_ID_MAX + 1];
	lend_account *kept[THREADS * STEPS]; /* the client's, at the host */
	size_t kept_count;
	unsigned order[FREED], freed;
} round;

typedef struct worker {
	round *r;
	unsigned index;
	lend_bank *bank;
	lend_account *held[STEPS];
	size_t held_count;
} worker;

/* Accounts, whose self is the round */

static void add(void *self, pyr_call *call, const Lend__Ticket *request)
{
	(void)self;
	lend_account_add__reply(call, request);
}

static const lend_account_ops account_ops = {.add = add};

static void note_release(void *self)
{
	tally_add(&((round *)self)->released, 1);
}

static pyr_lend_options lend_options(round *r)
{
	pyr_lend_options options = PYR_LEND_OPTIONS_INIT;
	options.lease_ms = LEASE_MS;
	options.release = note_release;
	tally_add(&r->lent, 1);
	return options;
}

static void id_of(const Pyrite__Object *object, char *ret_id)
{
	pyr_reference reference;
	MUST(pyr_reference_parse(object->reference, &reference, NULL) == PYR_OK);
	strcpy(ret_id, reference.target);
}

static void call_account(lend_account *account)
{
	Lend__Ticket request = LEND__TICKET__INIT, *reply;
	request.value = 7;
	MUST(lend_account_add(account, &request, &reply, NULL) == PYR_OK && reply->value == 7);
	lend__ticket__free_unpacked(reply, NULL);
}

/* The bank, in a pool */

static void open_account(void *self, pyr_call *call, const Lend__Ticket *request)
{
	round *r = self;
	(void)request;
	Lend__Parcel reply = LEND__PARCEL__INIT;
	pyr_lend_options options = lend_options(r);
	MUST(lend_account__lend(call, &account_ops, r, &options, &reply.object, NULL) == PYR_OK);
	pthread_mutex_lock(&r->lock);
	id_of(reply.object, r->last_id);
	pthread_mutex_unlock(&r->lock);
	lend_bank_open__reply(call, &reply);
}

/* It may have gone meanwhile: then the one that is registered is handed over. */
static void again(void *self, pyr_call *call, const Lend__Ticket *request)
{
	round *r = self;
	char id[PYR_OBJECT_ID_MAX + 1];
	(void)request;
	Lend__Parcel reply = LEND__PARCEL__INIT;
	pthread_mutex_lock(&r->lock);
	strcpy(id, r->last_id);
	pthread_mutex_unlock(&r->lock);
	if (pyr_call_hand(call, id, &reply.object, NULL))
		MUST(pyr_call_hand(call, "main", &reply.object, NULL) == PYR_OK);
	lend_bank_again__reply(call, &reply);
}

static void accept_from(pyr_call *call, const Pyrite__Object *object, lend_account **ret_account)
{
	pyr_error err;
	if (lend_account__accept_from(call, object, NULL, ret_account, &err)) {
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
		MUST(!"accepted");
	}
}

static void pay(void *self, pyr_call *call, const Lend__Parcel *request)
{
	(void)self;
	lend_account *account;
	Lend__Ticket reply = LEND__TICKET__INIT;
	accept_from(call, request->object, &account);
	call_account(account);
	lend_account__close(account);
	lend_bank_pay__reply(call, &reply);
}

static void keep(void *self, pyr_call *call, const Lend__Parcel *request)
{
	round *r = self;
	lend_account *account;
	Lend__Ticket reply = LEND__TICKET__INIT;
	accept_from(call, request->object, &account);
	pthread_mutex_lock(&r->lock);
	r->kept[r->kept_count++] = account;
	pthread_mutex_unlock(&r->lock);
	lend_bank_keep__reply(call, &reply);
}

static const lend_bank_ops bank_ops = {
	.open = open_account, .again = again, .pay = pay, .keep = keep};

/* Steps */

static lend_account *accept_one(worker *w, bool anew)
{
	Lend__Parcel *parcel;
	lend_account *account;
	Lend__Ticket request = LEND__TICKET__INIT;
	MUST((anew ? lend_bank_open(w->bank, &request, &parcel, NULL)
		   : lend_bank_again(w->bank, &request, &parcel, NULL)) == PYR_OK);
	MUST(lend_account__accept(
		     lend_bank__proxy(w->bank), parcel->object, NULL, &account, NULL) == PYR_OK);
	lend__parcel__free_unpacked(parcel, NULL);
	return account;
}

static void pay_to(worker *w, Pyrite__Object *object, bool keeps)
{
	Lend__Ticket *reply;
	Lend__Parcel request = LEND__PARCEL__INIT;
	request.object = object;
	MUST((keeps ? lend_bank_keep(w->bank, &request, &reply, NULL)
		    : lend_bank_pay(w->bank, &request, &reply, NULL)) == PYR_OK);
	lend__ticket__free_unpacked(reply, NULL);
}

static void lend_own(worker *w, bool keeps)
{
	Pyrite__Object *object;
	pyr_lend_options options = lend_options(w->r);
	MUST(lend_account__lend_to(w->r->client, lend_bank__proxy(w->bank), &account_ops, w->r,
		     &options, &object, NULL) == PYR_OK);
	pay_to(w, object, keeps);
	pyrite__object__free_unpacked(object, NULL);
}

static void pass_on(worker *w)
{
	Pyrite__Object *object;
	lend_account *account = accept_one(w, true);
	MUST(pyr_proxy_object(lend_account__proxy(account), &object, NULL) == PYR_OK);
	pay_to(w, object, false);
	pyrite__object__free_unpacked(object, NULL);
	lend_account__close(account);
}

static void forward(worker *w)
{
	Lend__Parcel *parcel;
	lend_account *account;
	char id[PYR_OBJECT_ID_MAX + 1];
	Lend__Ticket request = LEND__TICKET__INIT;
	MUST(lend_bank_open(w->bank, &request, &parcel, NULL) == PYR_OK);
	MUST(lend_account__accept(
		     lend_bank__proxy(w->bank), parcel->object, NULL, &account, NULL) == PYR_OK);
	id_of(parcel->object, id);
	MUST(pyr_daemon_forward(w->r->host, id, w->r->main, NULL) == PYR_OK);
	call_account(account);
	lend_account__close(account);
	lend__parcel__free_unpacked(parcel, NULL);
}

static void *work(void *arg)
{
	worker *w = arg;
	for (unsigned i = 0; i < STEPS; i++) {
		switch ((i + w->index) % 7) {
		case 0:
			lend_own(w, true);
			break;
		case 1:
			lend_own(w, false);
			break;
		case 2:
			pass_on(w);
			break;
		case 3:
			forward(w);
			break;
		case 4:
			lend_account__close(accept_one(w, false));
			break;
		default:
			w->held[w->held_count++] = accept_one(w, true);
			call_account(w->held[w->held_count - 1]);
		}
	}
	return NULL;
}

/* The end of a round */

static pyr_status lend_on_new_connection(worker *w)
{
	lend_bank *bank;
	pyr_context *context;
	Pyrite__Object *object;
	pyr_lend_options options = lend_options(w->r);
	MUST(pyr_context_new(NULL, &context, NULL) == PYR_OK);
	MUST(lend_bank__open(context, w->r->bank, NULL, &bank, NULL) == PYR_OK);
	pyr_status status = lend_account__lend_to(
		w->r->client, lend_bank__proxy(bank), &account_ops, w->r, &options, &object, NULL);
	if (status == PYR_OK)
		pyrite__object__free_unpacked(object, NULL);
	lend_bank__close(bank);
	pyr_context_free(context);
	return status;
}

/* While the daemon stops. */
static void *lend_until_refused(void *arg)
{
	worker *w = arg;
	pyr_status status;
	do
		status = lend_on_new_connection(w);
	while (status == PYR_OK);
	MUST(status == PYR_FAILED_PRECONDITION);
	tally_add(&w->r->released, 1); /* the one that was refused */
	return NULL;
}

static void stop_client(worker *w)
{
	pthread_t threads[THREADS];
	for (unsigned i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, lend_until_refused, &w[i]) == 0);
	pyr_daemon_stop(w->r->client, 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void *give_back(void *arg)
{
	worker *w = arg;
	for (size_t i = 0; i < w->held_count; i++)
		lend_account__close(w->held[i]);
	lend_bank__close(w->bank);
	return NULL;
}

static void *give_back_kept(void *arg)
{
	round *r = arg;
	for (size_t i = 0; i < r->kept_count; i++)
		lend_account__close(r->kept[i]);
	return NULL;
}

static void free_one(round *r, unsigned which)
{
	switch (which) {
	case 0:
		pyr_daemon_free(r->client);
		break;
	case 1:
		pyr_daemon_free(r->host);
		break;
	default:
		pyr_context_free(r->contexts[which - 2]);
	}
}

static void *free_some(void *arg)
{
	round *r = arg;
	for (;;) {
		pthread_mutex_lock(&r->lock);
		unsigned at = r->freed++;
		pthread_mutex_unlock(&r->lock);
		if (at >= FREED)
			return NULL;
		free_one(r, r->order[at]);
	}
}

/* The permutation number n. */
static void choose_order(unsigned n, unsigned order[FREED])
{
	unsigned left[FREED];
	for (unsigned i = 0; i < FREED; i++)
		left[i] = i;
	for (unsigned i = 0; i < FREED; i++) {
		unsigned count = FREED - i, at = n % count;
		order[i] = left[at];
		left[at] = left[count - 1];
		n /= count;
	}
}

static void end(round *r, worker *w)
{
	pthread_t threads[THREADS + 3];
	for (unsigned i = 0; i < 2; i++)
		MUST(pthread_create(&threads[THREADS + i], NULL, free_some, r) == 0);
	MUST(pthread_create(&threads[THREADS + 2], NULL, give_back_kept, r) == 0);
	for (unsigned i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, give_back, &w[i]) == 0);
	for (unsigned i = 0; i < THREADS + 3; i++)
		pthread_join(threads[i], NULL);
	/* every object has gone, with its lease or with its daemon */
	MUST(tally_get(&r->released) == tally_get(&r->lent));
}

static pyr_daemon *new_daemon(pyr_context *context, uint32_t workers)
{
	pyr_daemon *daemon;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.context = context;
	options.workers = workers;
	MUST(pyr_daemon_new(&options, &daemon, NULL) == PYR_OK);
	return daemon;
}

static void begin(round *r, unsigned number)
{
	r->lent = r->released = (tally)TALLY_INIT;
	pthread_mutex_init(&r->lock, NULL);
	choose_order(number, r->order);
	for (unsigned i = 0; i < 2; i++)
		MUST(pyr_context_new(NULL, &r->contexts[i], NULL) == PYR_OK);
	r->client = new_daemon(r->contexts[number % 2], number % 3);
	r->host = new_daemon(r->contexts[1], 3);
	MUST(lend_bank__serve(r->host, "bank", &bank_ops, r, NULL) == PYR_OK);
	MUST(lend_account__serve(r->host, "main", &account_ops, r, NULL) == PYR_OK);
	MUST(pyr_daemon_listen(r->host, "127.0.0.1:0", NULL, NULL) == PYR_OK);
	MUST(pyr_daemon_start(r->host, NULL) == PYR_OK);
	MUST(pyr_daemon_start(r->client, NULL) == PYR_OK);
	MUST(pyr_daemon_reference(r->host, "main", 0, r->main, sizeof r->main, NULL) == PYR_OK);
	MUST(pyr_daemon_reference(r->host, "bank", 0, r->bank, sizeof r->bank, NULL) == PYR_OK);
}

static void run(unsigned number)
{
	pthread_t threads[THREADS];
	static worker w[THREADS];
	round *r = calloc(1, sizeof *r);
	begin(r, number);
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (worker){.r = r, .index = i};
		MUST(lend_bank__open(r->contexts[0], r->bank, NULL, &w[i].bank, NULL) == PYR_OK);
		MUST(pthread_create(&threads[i], NULL, work, &w[i]) == 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	if (number % 2)
		stop_client(w);
	end(r, w);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

int main(void)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		run(i);
	return 0;
}
