/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace of transports that have no frames of their own: a line for each call, message and end.
 * `who` is the other side, and perhaps a number that tells calls apart; '<' came, '>' was sent.
 */
#ifndef PYR_TRANSPORT_TRACE_H
#define PYR_TRANSPORT_TRACE_H

#include "transport/parts.h"

/* "CALL demo.Calculator/Add, object "calc", 1000000 us left": metadata are not shown. */
void pyr__trace_call(const char *who, char direction, const pyr__head *head);

void pyr__trace_message(const char *who, char direction, size_t size);

/* "FINAL NOT_FOUND "no object 'calc'"" */
void pyr__trace_final(const char *who, char direction, const pyr__final *final);

#endif
