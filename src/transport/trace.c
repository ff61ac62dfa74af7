/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a trace for calls, messages and ends. */
#include "transport/trace.h"

#include <stdio.h>
#include "base/log.h"

#define TEXT_BYTES_MAX 250 /* of one text in a line */

/* Both arguments of a "%.*s". */
#define CUT(text) (int)((text).size < TEXT_BYTES_MAX ? (text).size : TEXT_BYTES_MAX), (text).data

static const char *quote(pyr__text text)
{
	return text.size ? "\"" : "";
}

void pyr__trace_call(const char *who, char direction, const pyr__head *head)
{
	char left[40] = "";
	if (head->timeout_us != PYR__TIMEOUT_NONE)
		snprintf(left, sizeof left, ", %llu us left", (unsigned long long)head->timeout_us);
	pyr__log(PYR_LOG_TRACE, "%s %c CALL%s %.*s%s%s%.*s%s%s%s%s%.*s%s", who, direction,
		head->oneway ? " ONEWAY" : "", CUT(head->method),
		head->object.size ? ", object " : "", quote(head->object), CUT(head->object),
		quote(head->object), left, head->correlation.size ? ", correlation " : "",
		quote(head->correlation), CUT(head->correlation), quote(head->correlation));
}

void pyr__trace_message(const char *who, char direction, size_t size)
{
	pyr__log(PYR_LOG_TRACE, "%s %c MESSAGE, %zu bytes", who, direction, size);
}

void pyr__trace_final(const char *who, char direction, const pyr__final *final)
{
	pyr__log(PYR_LOG_TRACE, "%s %c FINAL %s%s%s%.*s%s", who, direction,
		pyr_status_name(final->status), final->message.size ? " " : "",
		quote(final->message), CUT(final->message), quote(final->message));
}
