/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds all banks by their tag, opens an account at two of them and moves money between them. A
 * transfer is two calls at two objects: when the second fails, the first is taken back.
 */
#include <stdio.h>
#include <stdlib.h>
#include "../exceptions/details.h"
#include "banks.pyr.h"
#include "pyrite/names.pyr.h"

#define BANKS_MAX 8

typedef struct bank {
	char name[PYR_OBJECT_ID_MAX + 1];
	demo_bank *proxy;
} bank;

typedef pyr_status (*move)(demo_bank *, const Demo__Amount *, Demo__Account **, pyr_error *);

/* Banks */

/* The name server is an object as well, with a name in itself. */
static pyr_status find_banks(bank banks[BANKS_MAX], size_t *count, pyr_error *err)
{
	char *tag = "bank"; /* all of a prefix: request.prefix = "example.bank." */
	pyrite_names *names;
	Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
	Pyrite__ListReply *reply;
	request.tags_all = &tag;
	request.n_tags_all = 1;
	request.names_only = true;
	request.page_size = BANKS_MAX; /* more than we want are left on the next page */
	*count = 0;
	pyr_status status = pyrite_names__open(NULL, "pyrite.nameserver", NULL, &names, err);
	if (status)
		return status;
	status = pyrite_names_list(names, &request, &reply, err);
	if (status == PYR_OK) {
		for (size_t i = 0; i < reply->n_names && status == PYR_OK; i++) {
			bank *b = &banks[i];
			snprintf(b->name, sizeof b->name, "%s", reply->names[i]->name);
			status = demo_bank__open(NULL, b->name, NULL, &b->proxy, err);
			*count += status == PYR_OK;
		}
		pyrite__list_reply__free_unpacked(reply, NULL);
	}
	pyrite_names__close(names);
	return status;
}

/* What was done, or why not. */
static void say(
	const char *what, const char *owner, const bank *b, pyr_status status, const pyr_error *err)
{
	printf("%s, %s at %s: ", what, owner, b->name);
	if (status == PYR_OK) {
		printf("done\n");
		return;
	}
	printf("%s (%s)", err->message, pyr_status_name(status));
	Demo__InsufficientFunds *funds =
		(Demo__InsufficientFunds *)find_details(err, &demo__insufficient_funds__descriptor);
	if (funds) {
		printf(": %.2f available, %.2f missing", (double)funds->available / 100,
			(double)funds->missing / 100);
		demo__insufficient_funds__free_unpacked(funds, NULL);
	}
	putchar('\n');
}

/* Customers */

static void open_account(const bank *b, char *owner)
{
	Demo__OpenRequest request = DEMO__OPEN_REQUEST__INIT;
	Demo__Account *account;
	pyr_error err;
	request.owner = owner;
	pyr_status status = demo_bank_open(b->proxy, &request, &account, &err);
	say("open", owner, b, status, &err);
	if (status == PYR_OK)
		demo__account__free_unpacked(account, NULL);
}

static bool act(move call, const char *what, const bank *b, char *owner, int64_t cents)
{
	Demo__Amount amount = DEMO__AMOUNT__INIT;
	Demo__Account *account;
	pyr_error err;
	amount.owner = owner;
	amount.cents = cents;
	pyr_status status = call(b->proxy, &amount, &account, &err);
	say(what, owner, b, status, &err);
	if (status == PYR_OK)
		demo__account__free_unpacked(account, NULL);
	return status == PYR_OK;
}

/*
 * Money is never made or lost while both banks answer. When one does not (UNAVAILABLE), nobody
 * knows whether it has taken the money: then err.executed is PYR_EXECUTED_MAYBE, and real banks
 * give each transfer a number that makes doing it twice harmless.
 */
static void transfer(const bank *from, char *giver, const bank *to, char *taker, int64_t cents)
{
	printf("transfer of %.2f\n", (double)cents / 100);
	if (act(demo_bank_withdraw, "  take", from, giver, cents) &&
		!act(demo_bank_deposit, "  give", to, taker, cents))
		act(demo_bank_deposit, "  give back", from, giver, cents);
}

static pyr_status print_statement(const bank *b, int64_t *total, pyr_error *err)
{
	Demo__StatementRequest request = DEMO__STATEMENT_REQUEST__INIT;
	Demo__StatementReply *reply;
	pyr_status status = demo_bank_statement(b->proxy, &request, &reply, err);
	if (status)
		return status;
	for (size_t i = 0; i < reply->n_accounts; i++) {
		const Demo__Account *a = reply->accounts[i];
		printf("%s: %s has %.2f\n", b->name, a->owner, (double)a->cents / 100);
		*total += a->cents;
	}
	demo__statement_reply__free_unpacked(reply, NULL);
	return PYR_OK;
}

static pyr_status do_business(bank *banks, size_t count, pyr_error *err)
{
	int64_t total = 0;
	pyr_status status = PYR_OK;
	if (count < 2)
		return pyr_error_set(
			err, PYR_NOT_FOUND, "there are %zu banks, not two: start some", count);
	open_account(&banks[0], "Anna");
	open_account(&banks[1], "Ben");
	open_account(&banks[0], "Anna");
	act(demo_bank_deposit, "deposit", &banks[0], "Anna", 10000);
	transfer(&banks[0], "Anna", &banks[1], "Ben", 15000); /* this bank lends */
	transfer(&banks[1], "Ben", &banks[0], "Anna", 20000); /* that one does not */
	transfer(&banks[1], "Ben", &banks[0], "Carla", 5000);
	for (size_t i = 0; i < count && status == PYR_OK; i++)
		status = print_statement(&banks[i], &total, err);
	if (status == PYR_OK)
		printf("all banks together: %.2f\n", (double)total / 100);
	return status;
}

int main(void)
{
	static bank banks[BANKS_MAX];
	size_t count;
	pyr_error err;
	pyr_status status = find_banks(banks, &count, &err);
	if (status == PYR_OK)
		status = do_business(banks, count, &err);
	for (size_t i = 0; i < count; i++)
		demo_bank__close(banks[i].proxy);
	if (status)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	return status != PYR_OK;
}
