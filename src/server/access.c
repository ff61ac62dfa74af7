/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call. */
#include "server/access.h"

#include <pyrite/batch.pyr.h>
#include <pyrite/leases.pyr.h>
#include <string.h>
#include <strings.h>
#include "base/apart.h"
#include "server/call.h"

#define BEARER "Bearer "

PYR__APART static pyr_status authenticate(
	const pyr_daemon_options *options, pyr__incall *incall, pyr_error *err)
{
	char principal[PYR_PRINCIPAL_MAX] = "";
	const char *shown = pyr__incall_authorization(incall);
	if (shown[0] == '\0')
		return PYR_OK;
	if (strncasecmp(shown, BEARER, strlen(BEARER)) != 0)
		return pyr_error_set(err, PYR_UNAUTHENTICATED,
			"the authorization is not of the form 'Bearer TOKEN'");
	pyr_status status =
		options->authenticate(options->access_ctx, shown + strlen(BEARER), principal, err);
	if (status)
		return status;
	principal[sizeof principal - 1] = '\0';
	pyr__incall_set_principal(incall, principal);
	return PYR_OK;
}

/* Rules */

static pyr__text text_of(const char *text)
{
	return (pyr__text){text, strlen(text)};
}

static bool is_own(const pyr_call *call)
{
	return call->object && strcmp(call->object->id, PYR__OBJECT_OWN) == 0;
}

/*
 * Each call in a batch is asked for by itself. Leases are only of objects that were lent, whose ids
 * nobody can guess: whoever got one may say that it holds it.
 */
static bool needs_no_rule(const pyr_call *call)
{
	return is_own(call) && (call->object->interface == &pyrite_batch__interface ||
				       call->object->interface == &pyrite_leases__interface);
}

/* The caller hears what was asked for, and not which object that would have been. */
static pyr_status deny(const pyr_call *call, const char *principal, bool by_rule, pyr_error *err)
{
	const char *what = by_rule ? "a rule denies" : "no rule allows";
	const char *of = call->object_id.size ? " of " : "";
	const char *object = call->object_id.data, *method = pyr_call_method(call);
	if (principal[0] == '\0')
		return pyr_error_set(err, PYR_UNAUTHENTICATED,
			"%s %s%s%s to who has not proved who they are", what, method, of, object);
	return pyr_error_set(
		err, PYR_PERMISSION_DENIED, "%s %s%s%s to %s", what, method, of, object, principal);
}

/*
 * The object is the one that the call will reach, though the caller has named none, or another: who
 * has a rule for one object may not reach the daemon's own under its id.
 */
static pyr_status obey(pyr__rules_slot *slot, pyr__objects *objects, pyr_call *call, pyr_error *err)
{
	pyr__rules *rules = pyr__rules_slot_get(slot);
	if (!rules)
		return PYR_OK;
	const char *principal = pyr_call_principal(call);
	pyr_status found = pyr__call_find(call, objects, NULL);
	pyr__access access = {
		.principal = text_of(principal),
		.object = found == PYR_OK ? text_of(call->object->id) : call->object_id,
		.method = call->method_name,
	};
	pyr__verdict verdict =
		needs_no_rule(call) ? PYR__VERDICT_ALLOW : pyr__rules_judge(rules, &access);
	pyr__rules_unref(rules);
	if (verdict == PYR__VERDICT_ALLOW)
		return PYR_OK;
	return deny(call, principal, verdict == PYR__VERDICT_DENY, err);
}

PYR__APART pyr_status pyr__access_check(const pyr_daemon_options *options, pyr__rules_slot *rules,
	pyr__objects *objects, pyr_call *call, pyr_error *err)
{
	pyr_status status = PYR_OK;
	if (options->authenticate)
		status = authenticate(options, &call->incall, err);
	if (status == PYR_OK && options->admit)
		status = pyr__call_admit(call, err);
	if (status == PYR_OK && pyr__rules_slot_filled(rules))
		status = obey(rules, objects, call, err);
	if (status == PYR_OK && options->intercept)
		status = options->intercept(options->access_ctx, call, err);
	return status;
}
