/* SPDX-License-Identifier: Apache-2.0 */
/* The store that keeps nothing: its names go with the process. */
#include "store_backend.h"

static const ns_backend_ops memory_ops = {.kind = "memory"};

pyr_status ns_store_open_memory(const ns_limits *limits, ns_store **ret_store, pyr_error *err)
{
	(void)err;
	uint8_t id[NS_STORE_ID_SIZE];
	ns_random(id, sizeof id);
	*ret_store = ns_store_new(&memory_ops, NULL, id, 0, limits);
	return PYR_OK;
}
