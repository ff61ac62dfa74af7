/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bank, whose accounts are objects: it lends them to its clients, and is passed those that
 * clients have. For the tests of lending.
 */
#ifndef TESTS_TRANSPORT_BANK_H
#define TESTS_TRANSPORT_BANK_H

#include <pyrite/object.pb-c.h>
#include <pyrite/pyrite.h>
#include "lend.pyr.h"
#include "transport/suite.h"

typedef struct bank {
	tally released;
	char last_id[PYR_OBJECT_ID_MAX + 1]; /* of the account that was opened last */
	lend_account *kept;
} bank;

typedef struct bank_account {
	tally *released;
	uint64_t sum;
} bank_account;

extern const lend_bank_ops bank_ops;
extern const lend_account_ops bank_account_ops;
void bank_release_account(void *self); /* counts it, and frees it */

/* A suite whose daemon has a bank and an account "main", and whose client has a daemon as well. */
typedef struct bank_rig {
	suite *s;
	bank bank;
	bank_account main;
	lend_bank *proxy;
	pyr_daemon *client;
	tally released; /* the client's accounts */
} bank_rig;

void bank_begin(bank_rig *r, uint32_t workers);
void bank_end(bank_rig *r);
lend_bank *bank_connect(pyr_context *context, const char *reference);

/* A new account, lent for so long; with 0 it is "main", which stays. */
Lend__Parcel *bank_open(lend_bank *from, uint64_t lease_ms);
lend_account *bank_accept(lend_bank *from, Lend__Parcel *parcel);
lend_account *bank_open_and_accept(lend_bank *from, uint64_t lease_ms);

pyr_status bank_add(lend_account *proxy, uint64_t value, uint64_t *ret_sum, pyr_error *err);

/* One of the client's own accounts, for the daemon that has the bank. */
Pyrite__Object *bank_lend(bank_rig *r, uint32_t lease_ms);

/* The bank adds to the account that it is passed. */
pyr_status bank_pay(
	bank_rig *r, Pyrite__Object *object, uint64_t value, uint64_t *ret_sum, pyr_error *err);

#endif
