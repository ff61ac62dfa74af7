/* SPDX-License-Identifier: Apache-2.0 */
/* The right answer for a token, which client and server work out on their own. */
#ifndef TESTS_SOAK_ANSWER_H
#define TESTS_SOAK_ANSWER_H

#include <stdint.h>

static inline uint64_t soak_answer(uint32_t client, uint64_t number, uint32_t index)
{
	uint64_t value = (number << 20 ^ client) * 0x9e3779b97f4a7c15u;
	return (value ^ value >> 29) + index;
}

#endif
