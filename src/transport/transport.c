/* SPDX-License-Identifier: Apache-2.0 */
/* Calls before they belong to a transport, and after. */
#include "transport/transport.h"

#include <stdlib.h>

void pyr__outcall_init(pyr__outcall *call, int64_t deadline_us)
{
	call->ready = NULL;
	call->deadline_us = deadline_us;
	call->unary = false;
	call->output = NULL;
	call->decoded_bytes_max = 0;
	call->ops = NULL;
	call->carrier = NULL;
	call->stream = 0;
	call->next_ready = NULL;
	call->is_ready = false;
	call->waiters[PYR__READ] = call->waiters[PYR__WRITE] = NULL;
	call->writable = false;
	call->greeted = false;
	call->over = call->seen_over = false;
	call->outcome = (pyr__outcome){PYR_OK, PYR_EXECUTED_MAYBE, NULL, false};
	call->reply = NULL;
	pyr__inbox_init(&call->inbox);
}

void pyr__outcome_done(pyr__outcome *outcome)
{
	free(outcome->final);
	outcome->final = NULL;
}

void pyr__incall_init(pyr__incall *call)
{
	call->ops = NULL;
	call->carrier = NULL;
	call->stream = 0;
	call->deadline_us = PYR__DEADLINE_NONE;
	call->link = (pyr__link){NULL, NULL};
	call->next_work = NULL;
	call->work = 0;
	call->waiters[PYR__READ] = call->waiters[PYR__WRITE] = NULL;
	call->single = false;
	call->silent = false;
	call->settles = false;
	call->whole = false;
	call->detached = false;
	call->finished = false;
	call->ended = false;
	call->writable = false;
	call->lost = false;
	atomic_init(&call->cancelled, false);
	call->lent = NULL;
	pyr__inbox_init(&call->inbox);
}

uint64_t pyr__next_connection(void)
{
	static atomic_uint_fast64_t last;
	return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}
