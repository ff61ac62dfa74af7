/* SPDX-License-Identifier: Apache-2.0 */
/* What the measuring programs that use Pyrite have in common. */
#include "load.h"
#include <string.h>

void load_check(pyr_status status, const pyr_error *err)
{
	if (status)
		meter_die("%s: %s", pyr_status_name(status), err->message);
}

pyr_context *load_context(struct event_base *base)
{
	pyr_error err;
	pyr_context *context;
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	options.base = base;
	load_check(pyr_context_new(&options, &context, &err), &err);
	return context;
}

void load_reference(const char *object, const char *endpoint, char reference[PYR_REFERENCE_MAX])
{
	pyr_error err;
	bool grpc = strncmp(endpoint, "grpc:", 5) == 0;
	pyr_reference r = {.scheme = grpc ? PYR_SCHEME_GRPC : PYR_SCHEME_PYR};
	strcpy(r.target, object);
	load_check(pyr_endpoint_parse(endpoint + (grpc ? 5 : 0), &r, &err), &err);
	load_check(pyr_reference_format(&r, reference, PYR_REFERENCE_MAX, &err), &err);
}

load_load *load_open(pyr_context *context, const char *endpoint)
{
	pyr_error err;
	load_load *proxy;
	char reference[PYR_REFERENCE_MAX];
	if (!endpoint)
		meter_die("--connect is needed");
	load_reference("load", endpoint, reference);
	load_check(load_load__open(context, reference, NULL, &proxy, &err), &err);
	return proxy;
}

Load__Payload load_payload(meter *m, size_t size)
{
	Load__Payload payload = LOAD__PAYLOAD__INIT;
	payload.data = (ProtobufCBinaryData){size, meter_payload(m)};
	return payload;
}
