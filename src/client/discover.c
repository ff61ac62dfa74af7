/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the network for all its name servers. */
#include <pyrite/discovery.h>
#include "base/loop.h"
#include "client/asking.h"

static void tell(
	const pyr__asking *asking, void (*each)(void *ctx, const pyr_discovered *found), void *ctx)
{
	for (size_t i = 0; i < asking->answer_count; i++) {
		char text[PYR_REFERENCE_MAX];
		const pyr__answer *answer = &asking->answers[i];
		if (pyr_reference_format(&answer->reference, text, sizeof text, NULL))
			continue;
		pyr_discovered found = {sizeof found, text, answer->group};
		each(ctx, &found);
	}
}

static pyr_status parse(const char *text, pyr__discovery *ret_where, pyr_error *err)
{
	if (!pyr__discovery_is(text))
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"'%.200s' does not ask for discovery: that is "
			"discover[:[GROUP@][ADDRESS:PORT]]",
			text);
	return pyr__discovery_parse(text, ret_where, err);
}

pyr_status pyr_discover(const char *text, uint32_t timeout_ms,
	void (*each)(void *ctx, const pyr_discovered *found), void *ctx, pyr_error *err)
{
	pyr__discovery where;
	pyr__asking asking;
	if (pyr__loop_in_callback())
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"asking the network would block the loop's thread");
	pyr_status status = parse(text ? text : "discover", &where, err);
	if (status == PYR_OK)
		status = pyr__asking_open(
			&asking, &where, (timeout_ms ? timeout_ms : PYR__ASKING_MS) * 1000ll, err);
	if (status)
		return status;
	asking.all = true;
	asking.query.any_group = !where.has_group;
	pyr__asking_wait(&asking);
	tell(&asking, each, ctx);
	pyr_reference unused;
	if (asking.answer_count == 0)
		status = pyr__asking_verdict(&asking, &unused, err);
	pyr__asking_close(&asking);
	return status;
}
