/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: banks-server NAME CREDIT
 * A bank, published as example.bank.NAME with the tag "bank". It lends so many cents to a customer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../exceptions/details.h"
#include "banks.pyr.h"

#define ACCOUNTS_MAX 100

typedef struct account {
	char owner[40];
	int64_t cents;
} account;

/* Its servant runs on the daemon's loop, one call at a time: no two can spend the same money. */
typedef struct bank {
	account accounts[ACCOUNTS_MAX];
	size_t count;
	int64_t credit;
} bank;

static account *find(bank *b, const char *owner)
{
	for (size_t i = 0; i < b->count; i++)
		if (strcmp(b->accounts[i].owner, owner) == 0)
			return &b->accounts[i];
	return NULL;
}

/* The account of a request that is in order; NULL: the call has failed. */
static account *find_for(bank *b, pyr_call *call, const Demo__Amount *amount)
{
	account *a = find(b, amount->owner);
	if (!a)
		pyr_call_fail(call, PYR_NOT_FOUND, "%s has no account here", amount->owner);
	else if (amount->cents <= 0 || amount->cents > 1000000000)
		pyr_call_fail(call, PYR_INVALID_ARGUMENT, "an amount is 1 to 1,000,000,000 cents");
	else
		return a;
	return NULL;
}

static Demo__Account message_of(account *a)
{
	Demo__Account message = DEMO__ACCOUNT__INIT;
	message.owner = a->owner;
	message.cents = a->cents;
	return message;
}

static void open_account(void *self, pyr_call *call, const Demo__OpenRequest *request)
{
	bank *b = self;
	account *a = &b->accounts[b->count];
	if (find(b, request->owner)) {
		pyr_call_fail(call, PYR_ALREADY_EXISTS, "%s has an account here", request->owner);
	} else if (b->count == ACCOUNTS_MAX || strlen(request->owner) >= sizeof a->owner) {
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED, "the bank has no room for that");
	} else {
		strcpy(a->owner, request->owner);
		b->count++;
		Demo__Account reply = message_of(a);
		demo_bank_open__reply(call, &reply);
	}
}

static void deposit(void *self, pyr_call *call, const Demo__Amount *amount)
{
	account *a = find_for(self, call, amount);
	if (!a)
		return;
	a->cents += amount->cents;
	Demo__Account reply = message_of(a);
	demo_bank_deposit__reply(call, &reply);
}

/* The numbers are in the details, so that no client has to read them out of the message. */
static void refuse(pyr_call *call, int64_t available, int64_t missing)
{
	Demo__InsufficientFunds funds = DEMO__INSUFFICIENT_FUNDS__INIT;
	pyr_error err;
	funds.available = available;
	funds.missing = missing;
	pyr_error_set(&err, PYR_FAILED_PRECONDITION, "insufficient funds");
	err.executed = PYR_EXECUTED_YES;
	fail_with_details(call, &err, &funds.base);
}

static void withdraw(void *self, pyr_call *call, const Demo__Amount *amount)
{
	bank *b = self;
	account *a = find_for(b, call, amount);
	if (!a)
		return;
	int64_t available = a->cents + b->credit;
	if (amount->cents > available) {
		refuse(call, available, amount->cents - available);
		return;
	}
	a->cents -= amount->cents;
	Demo__Account reply = message_of(a);
	demo_bank_withdraw__reply(call, &reply);
}

static void statement(void *self, pyr_call *call, const Demo__StatementRequest *request)
{
	bank *b = self;
	Demo__Account accounts[ACCOUNTS_MAX], *pointers[ACCOUNTS_MAX];
	Demo__StatementReply reply = DEMO__STATEMENT_REPLY__INIT;
	(void)request;
	for (size_t i = 0; i < b->count; i++) {
		accounts[i] = message_of(&b->accounts[i]);
		pointers[i] = &accounts[i];
	}
	reply.accounts = pointers;
	reply.n_accounts = b->count;
	demo_bank_statement__reply(call, &reply);
}

static const demo_bank_ops ops = {
	.open = open_account, .deposit = deposit, .withdraw = withdraw, .statement = statement};

int main(int argc, char **argv)
{
	static const char *const tags[] = {"bank"};
	static bank b;
	pyr_publish_options options = PYR_PUBLISH_OPTIONS_INIT;
	pyr_daemon *daemon = NULL;
	pyr_error err;
	char name[64];
	if (argc != 3)
		return fprintf(stderr, "usage: banks-server NAME CREDIT\n"), 2;
	snprintf(name, sizeof name, "example.bank.%s", argv[1]);
	b.credit = atoll(argv[2]);
	options.tags = tags;
	options.tag_count = 1;
	bool failed = pyr_daemon_new(NULL, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		      demo_bank__serve(daemon, "bank", &ops, &b, &err) ||
		      pyr_daemon_publish(daemon, "bank", name, &options, &err) ||
		      pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	return failed;
}
