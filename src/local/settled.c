/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's half of a call that was answered and given back while its servant ran on the
 * caller's thread: there is no carrier any more, and nobody else that could look at it.
 */
#include "local/local_private.h"

static void wait_no_more(pyr__outcall *out, pyr__direction what, int64_t until_us)
{
	(void)out;
	(void)what;
	(void)until_us;
}

static pyr__message *take(pyr__outcall *out)
{
	return pyr__inbox_take(&out->inbox);
}

static void release(pyr__outcall *out, pyr__message *message)
{
	pyr__message_free(&out->inbox, message);
}

static bool is_over(pyr__outcall *out)
{
	(void)out;
	return true;
}

static bool get_outcome(pyr__outcall *out, pyr__outcome *ret_outcome)
{
	if (out->inbox.first)
		return false;
	*ret_outcome = out->outcome;
	out->outcome.final = NULL;
	return true;
}

static pyr_status send_nothing(pyr__outcall *out, const pyr__body *body, bool end, pyr_error *err)
{
	(void)out;
	(void)body;
	(void)end;
	return pyr_error_set(err, PYR_CANCELLED, "the call is over");
}

static pyr_status end(pyr__outcall *out, pyr_error *err)
{
	return send_nothing(out, NULL, true, err);
}

static void cancel(pyr__outcall *out, pyr_status status, const char *message)
{
	(void)out;
	(void)status;
	(void)message;
}

/* Only a call that is waited for comes here, and that is never observed. */
static void observe(pyr__outcall *out, void (*ready)(pyr__outcall *out))
{
	out->ready = ready;
}

static void done(pyr__outcall *out)
{
	pyr__inbox_clear(&out->inbox);
	pyr__outcome_done(&out->outcome);
	protobuf_c_message_free_unpacked(out->reply, NULL);
}

const pyr__outcall_ops pyr__local_settled_ops = {
	.wait = wait_no_more,
	.take = take,
	.release = release,
	.is_over = is_over,
	.over = get_outcome,
	.send = send_nothing,
	.end = end,
	.cancel = cancel,
	.observe = observe,
	.done = done,
};
