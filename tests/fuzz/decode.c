/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as one of several messages, which the first byte selects; protobuf-c judges. */
#include "codec/judge.h"
#include "codec/types2.pb-c.h"
#include "codec/types3.pb-c.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const ProtobufCMessageDescriptor *const types[] = {
		&codec3__all__descriptor,
		&codec2__any2__descriptor,
		&codec3__node__descriptor,
		&codec3__repeated__descriptor,
		&codec3__maps__descriptor,
		&codec3__choice__descriptor,
		&codec2__needed__descriptor,
		&codec2__lists__descriptor,
		&codec2__short__descriptor,
		&codec2__pair__descriptor,
	};
	if (size == 0)
		return 0;
	judge(types[data[0] % (sizeof types / sizeof types[0])], data + 1, size - 1);
	return 0;
}
