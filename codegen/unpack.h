/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking messages into a pool. */
#ifndef PYR_CODEGEN_UNPACK_H
#define PYR_CODEGEN_UNPACK_H

#include <protobuf-c/protobuf-c.h>
#include "pool.h"

/* What it allocates stays until the pool is done; freeing does nothing. */
ProtobufCAllocator gen_unpack_allocator(gen_pool *pool);

#endif
