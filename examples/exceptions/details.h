/* SPDX-License-Identifier: Apache-2.0 */
/* A message of the servant's own that travels with an error: packed by it, found by the client. */
#ifndef DETAILS_H
#define DETAILS_H

#include <pyrite/call.h>
#include <stdlib.h>
#include <string.h>
#include "status.pb-c.h"

#define DETAILS_TYPE "type.googleapis.com/"

/* Ends the call with the error; message is packed into its details, and stays the caller's. */
static inline void fail_with_details(
	pyr_call *call, const pyr_error *err, const ProtobufCMessage *message)
{
	uint8_t value[512], packed[PYR_ERROR_DETAILS_MAX];
	char type[128];
	Google__Rpc__Detail detail = GOOGLE__RPC__DETAIL__INIT, *details = &detail;
	Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
	snprintf(type, sizeof type, DETAILS_TYPE "%s", message->descriptor->name);
	detail.type_url = type;
	status.code = (int32_t)err->status;
	status.message = (char *)err->message;
	status.details = &details;
	status.n_details = 1;
	if (protobuf_c_message_get_packed_size(message) <= sizeof value)
		detail.value =
			(ProtobufCBinaryData){protobuf_c_message_pack(message, value), value};
	bool fits =
		detail.value.data && google__rpc__status__get_packed_size(&status) <= sizeof packed;
	/* without room for them the error goes without details */
	pyr_call_fail_error(call, err, fits ? packed : NULL,
		fits ? google__rpc__status__pack(&status, packed) : 0);
}

/* The message of this type among the details, NULL if there is none; __free_unpacked() it. */
static inline ProtobufCMessage *find_details(
	const pyr_error *err, const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *found = NULL;
	Google__Rpc__Status *status =
		google__rpc__status__unpack(NULL, err->details_size, err->details);
	for (size_t i = 0; status && !found && i < status->n_details; i++) {
		const Google__Rpc__Detail *detail = status->details[i];
		const char *name = strrchr(detail->type_url, '/');
		if (name && strcmp(name + 1, type->name) == 0)
			found = protobuf_c_message_unpack(
				type, NULL, detail->value.len, detail->value.data);
	}
	if (status)
		google__rpc__status__free_unpacked(status, NULL);
	return found;
}

#endif
