/* SPDX-License-Identifier: Apache-2.0 */
/* What a call says about the stream that it begins or carries on. */
#include "server/resume.h"

#include <string.h>
#include "base/error.h"
#include "base/metadata.h"
#include "server/resumable.h"

typedef struct wish {
	const char *token;
	bool again; /* it carries on what it has taken so much of */
	uint64_t taken;
	uint64_t age_ms; /* UINT64_MAX: it does not say */
} wish;

static bool parse_count(const char *text, uint64_t *ret_count)
{
	uint64_t count = 0;
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 18 || text[digits])
		return false;
	for (size_t i = 0; i < digits; i++)
		count = count * 10 + (uint64_t)(text[i] - '0');
	*ret_count = count;
	return true;
}

static pyr_status parse_wish(pyr_call *call, wish *w, pyr_error *err)
{
	const pyr_metadata *metadata = pyr_call_metadata(call);
	const char *from = pyr_metadata_get(metadata, PYR__RESUME_FROM_KEY);
	const char *age = pyr_metadata_get(metadata, PYR__RESUME_AGE_KEY);
	*w = (wish){.token = pyr_metadata_get(metadata, PYR__RESUME_KEY), .age_ms = UINT64_MAX};
	w->again = from != NULL;
	bool valid = strlen(w->token) == PYR__RESUME_TOKEN_SIZE &&
		     strspn(w->token, "0123456789abcdef") == PYR__RESUME_TOKEN_SIZE &&
		     (!from || parse_count(from, &w->taken)) &&
		     (!age || parse_count(age, &w->age_ms));
	if (valid)
		return PYR_OK;
	return pyr_error_set(err, PYR_INVALID_ARGUMENT,
		"the metadata " PYR__RESUME_KEY " is malformed: it has %u hexadecimal digits, and "
		"the numbers that go with it are decimal",
		PYR__RESUME_TOKEN_SIZE);
}

bool pyr__resume_is_asked(pyr_call *call)
{
	unsigned streams = PYR_METHOD_CLIENT_STREAM | PYR_METHOD_SERVER_STREAM;
	/* what was handed to a connection of this program is called there and nowhere else */
	return call->bound && !call->callbacks && call->metadata_block.size &&
	       pyr__incall_survives(&call->incall) &&
	       (call->bound->method->flags & streams) == PYR_METHOD_SERVER_STREAM &&
	       pyr_metadata_get(pyr_call_metadata(call), PYR__RESUME_KEY);
}

bool pyr__resume_is_again(pyr_call *call)
{
	return pyr__resume_is_asked(call) &&
	       pyr_metadata_get(pyr_call_metadata(call), PYR__RESUME_FROM_KEY);
}

bool pyr__resume_is_begun(pyr_call *call)
{
	return call->incall.lost && pyr__resume_is_asked(call) && !pyr__resume_is_again(call);
}

/* The caller's metadata without what is for us: a servant that hands them on asks for nothing. */
static pyr_metadata *metadata_for_servant(pyr_call *call)
{
	pyr_metadata *kept = pyr_metadata_new();
	const pyr_metadata *all = pyr_call_metadata(call);
	const char *key;
	const char *value;
	size_t size;
	for (size_t i = 0; pyr_metadata_at(all, i, &key, &value, &size); i++) {
		if (strncmp(key, PYR__RESUME_KEY, strlen(PYR__RESUME_KEY)) == 0)
			continue;
		pyr_status status = pyr__metadata_add_reserved(kept, key, value, size, NULL);
		(void)status; /* it has been checked when it came */
	}
	return kept;
}

static pyr_status begin(
	pyr__resumables *all, const wish *w, pyr_call *call, pyr_call **ret_stream, pyr_error *err)
{
	pyr_metadata *metadata = metadata_for_servant(call);
	pyr_status status = pyr__resumable_begin(all, w->token, call, metadata, ret_stream, err);
	pyr_metadata_free(metadata);
	return status;
}

static pyr_status unknown(pyr_error *err)
{
	return pyr_error_set(err, PYR_NOT_FOUND,
		"the daemon does not keep this stream: it has been restarted, the stream was away "
		"for too long, or there was no room for it");
}

/*
 * The stream is not known where the first call has been lost, or has not been run yet; that may be
 * run by another worker just now, and then there is a stream after all.
 */
static pyr_status enter_again(
	pyr__resumables *all, const wish *w, pyr_call *call, pyr_call **ret_stream, pyr_error *err)
{
	pyr__resumable *r = pyr__resumables_find(all, w->token, PYR__RESUME_TOKEN_SIZE);
	if (!r && w->taken == 0 && pyr__resumables_remember(all, w->age_ms)) {
		pyr_status status = begin(all, w, call, ret_stream, err);
		if (status != PYR_ALREADY_EXISTS)
			return status;
		r = pyr__resumables_find(all, w->token, PYR__RESUME_TOKEN_SIZE);
	}
	if (!r)
		return unknown(err);
	bool carried = pyr__resumable_carry_on(r, call, w->taken);
	pyr__resumable_unref(r);
	return carried ? PYR_OK : unknown(err);
}

/* A call like any other: the servant is shown the rest of its metadata, and nobody has it yet. */
static void make_plain(pyr_call *call)
{
	pyr_metadata *metadata = metadata_for_servant(call);
	pyr_metadata_free(call->metadata);
	call->metadata = metadata;
}

static pyr_status enter_first(
	pyr__resumables *all, const wish *w, pyr_call *call, pyr_call **ret_stream, pyr_error *err)
{
	if (all->linger_ms != PYR__LINGER_NEVER && !pyr__resumables_are_stopping(all)) {
		pyr_status status = begin(all, w, call, ret_stream, err);
		if (status != PYR_RESOURCE_EXHAUSTED)
			return status;
		pyr__resumables_forget(all); /* should it be asked for, it will be in vain */
	}
	make_plain(call);
	*ret_stream = call;
	return PYR_OK;
}

pyr_status pyr__resume_enter(pyr_call *call, pyr_call **ret_stream, pyr_error *err)
{
	wish w;
	pyr__resumables *all = pyr__daemon_resumables(call->daemon);
	pyr_status status = parse_wish(call, &w, err);
	if (status)
		return status;
	*ret_stream = NULL;
	if (!w.again)
		return enter_first(all, &w, call, ret_stream, err);
	if (all->linger_ms == PYR__LINGER_NEVER)
		return unknown(err);
	return enter_again(all, &w, call, ret_stream, err);
}
