/* SPDX-License-Identifier: Apache-2.0 */
/* The methods that change something: from a request to a staged change, and on to its reply. */
#include "convert.h"
#include "service_internal.h"

/* Register */

static pyr_status stage_register(
	ns_service *service, const void *message, ns_answer *answer, pyr_error *err)
{
	const Pyrite__RegisterRequest *request = message;
	ns_caller caller = ns_caller_of(service, answer->call);
	ns_registration registration = {
		.name = request->name,
		.references = (const char *const *)request->references,
		.reference_count = request->n_references,
		.tags = (const char *const *)request->tags,
		.tag_count = request->n_tags,
		.lease_id = request->lease_id,
		.replace = request->replace,
		.replica = request->replica,
		.compare = pyrite__register_request__has_expected_revision(request),
		.expected_revision = request->expected_revision,
	};
	pyr_status status = ns_check_references(request->references, request->n_references, err);
	if (status == PYR_OK)
		status = ns_store_register(
			service->store, &registration, &caller, &answer->number, err);
	return status;
}

static void tell_register(ns_service *service, const ns_answer *answer)
{
	Pyrite__RegisterReply reply = PYRITE__REGISTER_REPLY__INIT;
	reply.store_id = ns_to_store_id(service->store);
	reply.revision = answer->number;
	pyrite_names_register__reply(answer->call, &reply);
}

void ns_do_register(void *self, pyr_call *call, const Pyrite__RegisterRequest *request)
{
	ns_change(self, call, request, stage_register, tell_register);
}

/* Remove, of one name */

static pyr_status stage_remove(
	ns_service *service, const void *message, ns_answer *answer, pyr_error *err)
{
	const Pyrite__RemoveRequest *request = message;
	ns_caller caller = ns_caller_of(service, answer->call);
	ns_removal removal = {
		.name = request->name,
		.reference = request->reference,
		.lease_id = request->lease_id,
		.compare = pyrite__remove_request__has_expected_revision(request),
		.expected_revision = request->expected_revision,
	};
	answer->number = 1;
	return ns_store_remove(service->store, &removal, &caller, err);
}

static void tell_remove(ns_service *service, const ns_answer *answer)
{
	Pyrite__RemoveReply reply = PYRITE__REMOVE_REPLY__INIT;
	reply.store_id = ns_to_store_id(service->store);
	reply.revision = ns_store_revision(service->store);
	reply.count = answer->number;
	pyrite_names_remove__reply(answer->call, &reply);
}

static pyr_status check_remove(const Pyrite__RemoveRequest *request, pyr_error *err)
{
	int given = (*request->name != 0) + (*request->prefix != 0) + (*request->regex != 0);
	if (given != 1)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"give exactly one of name, prefix and regex, not %d", given);
	bool narrowed = request->lease_id || *request->reference ||
			pyrite__remove_request__has_expected_revision(request);
	if (narrowed && !*request->name)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"expected_revision, lease_id and reference go with a name only");
	return PYR_OK;
}

void ns_do_remove(void *self, pyr_call *call, const Pyrite__RemoveRequest *request)
{
	pyr_error err;
	if (check_remove(request, &err))
		ns_fail(call, &err);
	else if (*request->name)
		ns_change(self, call, request, stage_remove, tell_remove);
	else
		ns_walk_remove(self, call, request);
}

/* SetTags */

static pyr_status stage_set_tags(
	ns_service *service, const void *message, ns_answer *answer, pyr_error *err)
{
	const Pyrite__SetTagsRequest *request = message;
	ns_caller caller = ns_caller_of(service, answer->call);
	ns_tagging tagging = {
		.name = request->name,
		.replace = request->replace,
		.add = (const char *const *)request->add,
		.add_count = request->n_add,
		.remove = (const char *const *)request->remove,
		.remove_count = request->n_remove,
		.compare = pyrite__set_tags_request__has_expected_revision(request),
		.expected_revision = request->expected_revision,
	};
	const ns_record *record;
	pyr_status status = ns_store_set_tags(service->store, &tagging, &caller, &record, err);
	if (status == PYR_OK)
		answer->record = ns_record_ref(record);
	return status;
}

static void tell_set_tags(ns_service *service, const ns_answer *answer)
{
	Pyrite__SetTagsReply reply = PYRITE__SET_TAGS_REPLY__INIT;
	reply.store_id = ns_to_store_id(service->store);
	reply.revision = answer->record->mod_revision;
	reply.tags = (char **)answer->record->tags;
	reply.n_tags = answer->record->tag_count;
	pyrite_names_set_tags__reply(answer->call, &reply);
}

void ns_do_set_tags(void *self, pyr_call *call, const Pyrite__SetTagsRequest *request)
{
	ns_change(self, call, request, stage_set_tags, tell_set_tags);
}

/* Grant */

static pyr_status stage_grant(
	ns_service *service, const void *message, ns_answer *answer, pyr_error *err)
{
	const Pyrite__GrantRequest *request = message;
	ns_caller caller = ns_caller_of(service, answer->call);
	uint64_t now_us = ns_now_us();
	answer->ttl_ms = request->ttl_ms;
	pyr_status status = ns_store_grant(
		service->store, request->ttl_ms, now_us, &caller, &answer->number, err);
	if (status == PYR_OK)
		ns_expiry_granted(service, now_us + request->ttl_ms * 1000ull);
	return status;
}

static void tell_grant(ns_service *service, const ns_answer *answer)
{
	Pyrite__GrantReply reply = PYRITE__GRANT_REPLY__INIT;
	reply.lease_id = answer->number;
	reply.store_id = ns_to_store_id(service->store);
	reply.revision = ns_store_revision(service->store);
	pyrite_names_grant__reply(answer->call, &reply);
}

void ns_do_grant(void *self, pyr_call *call, const Pyrite__GrantRequest *request)
{
	ns_change(self, call, request, stage_grant, tell_grant);
}

/* Revoke */

static pyr_status stage_revoke(
	ns_service *service, const void *message, ns_answer *answer, pyr_error *err)
{
	const Pyrite__RevokeRequest *request = message;
	ns_caller caller = ns_caller_of(service, answer->call);
	return ns_store_revoke(service->store, request->lease_id, &caller, &answer->number, err);
}

static void tell_revoke(ns_service *service, const ns_answer *answer)
{
	Pyrite__RevokeReply reply = PYRITE__REVOKE_REPLY__INIT;
	reply.store_id = ns_to_store_id(service->store);
	reply.revision = ns_store_revision(service->store);
	reply.count = answer->number;
	pyrite_names_revoke__reply(answer->call, &reply);
}

void ns_do_revoke(void *self, pyr_call *call, const Pyrite__RevokeRequest *request)
{
	ns_change(self, call, request, stage_revoke, tell_revoke);
}
