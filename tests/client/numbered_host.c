/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon whose object tells its number. */
#include "client/numbered_host.h"

#include <string.h>

static void tell_number(void *self, pyr_call *call, const Pyrite__CountRequest *request)
{
	(void)request;
	const host *h = self;
	Pyrite__CountReply reply = PYRITE__COUNT_REPLY__INIT;
	reply.count = h->number;
	pyrite_names_count__reply(call, &reply);
}

static void not_found(void *self, pyr_call *call, const Pyrite__StatusRequest *request)
{
	(void)self;
	(void)request;
	pyr_call_fail(call, PYR_NOT_FOUND, "something of the servant's own");
}

static void scripted_lookup(void *self, pyr_call *call, const Pyrite__LookupRequest *request)
{
	host *h = self;
	Pyrite__LookupReply reply = PYRITE__LOOKUP_REPLY__INIT;
	Pyrite__Name name = PYRITE__NAME__INIT;
	Pyrite__Holder holder = PYRITE__HOLDER__INIT, *holders[] = {&holder};
	char *references[] = {(char *)h->says};
	uint8_t store_id[16];
	memset(store_id, h->store, sizeof store_id);
	atomic_fetch_add(&h->lookups, 1);
	holder.references = references;
	holder.n_references = 1;
	name.name = request->name;
	name.holders = holders;
	name.n_holders = 1;
	reply.name = &name;
	reply.store_id = (ProtobufCBinaryData){sizeof store_id, store_id};
	reply.revision = h->revision;
	pyrite_names_lookup__reply(call, &reply);
}

static const pyrite_names_ops ops = {
	.count = tell_number,
	.status = not_found,
	.lookup = scripted_lookup,
};

void start_host(served *s, host *h, uint64_t number, const char *object)
{
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.context = s->context;
	memset(h, 0, sizeof *h);
	h->number = number;
	assert_ok(s, pyr_daemon_new(&options, &h->daemon, &s->err));
	assert_ok(s, pyrite_names__serve(h->daemon, object, &ops, h, &s->err));
	assert_ok(s, pyr_daemon_listen(h->daemon, "127.0.0.1:0", NULL, &s->err));
	assert_ok(s, pyr_daemon_start(h->daemon, &s->err));
	assert_ok(s, pyr_daemon_reference(
			     h->daemon, object, 0, h->reference, sizeof h->reference, &s->err));
}

void stop_host(host *h)
{
	pyr_daemon_free(h->daemon);
	h->daemon = NULL;
}

pyr_status add(served *s, const char *name, const char *first, const char *second, bool replica,
	bool replace)
{
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	Pyrite__RegisterReply *reply;
	char *references[] = {(char *)first, (char *)second};
	request.name = (char *)name;
	request.references = references;
	request.n_references = 1 + (second != NULL);
	request.replica = replica;
	request.replace = replace;
	pyr_status status = pyrite_names_register(s->names, &request, &reply, &s->err);
	if (status == PYR_OK)
		pyrite__register_reply__free_unpacked(reply, NULL);
	return status;
}

pyrite_names *proxy_for(served *s, const char *reference)
{
	pyrite_names *proxy;
	assert_ok(s, pyrite_names__open(s->context, reference, NULL, &proxy, &s->err));
	return proxy;
}

pyr_status ask(served *s, pyrite_names *proxy, uint64_t *ret_number)
{
	Pyrite__CountRequest request = PYRITE__COUNT_REQUEST__INIT;
	Pyrite__CountReply *reply;
	pyr_status status = pyrite_names_count(proxy, &request, &reply, &s->err);
	if (status)
		return status;
	*ret_number = reply->count;
	pyrite__count_reply__free_unpacked(reply, NULL);
	return PYR_OK;
}
