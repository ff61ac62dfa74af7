/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a datagram of discovery: what is taken for one is stored again, and loads the same.
 */
#include "native/discovery.h"

#include <string.h>
#include "fuzz/fuzz.h"

static void try_query(const uint8_t *data, size_t size)
{
	uint8_t buf[PYR__DISCOVERY_QUERY_SIZE];
	pyr__query query, again;
	if (!pyr__query_load(&query, data, size))
		return;
	MUST(size >= sizeof buf && pyr__group_is_valid(query.group, strlen(query.group)));
	pyr__query_store(&query, buf);
	MUST(pyr__query_load(&again, buf, sizeof buf));
	MUST(memcmp(&query, &again, sizeof query) == 0);
}

static void try_answer(const uint8_t *data, size_t size)
{
	uint8_t buf[PYR__DISCOVERY_QUERY_SIZE];
	pyr__answer answer, again;
	if (size < PYR__DISCOVERY_HEADER || !pyr__answer_load(&answer, data + 8, data, size))
		return;
	MUST(*answer.reference.host && answer.reference.port && !answer.reference.is_unix);
	size_t stored = pyr__answer_store(&answer, buf);
	MUST(stored > 0 && pyr__answer_load(&again, answer.nonce, buf, stored));
	MUST(strcmp(again.reference.host, answer.reference.host) == 0);
	MUST(again.reference.port == answer.reference.port &&
		strcmp(again.group, answer.group) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_query(data, size);
	try_answer(data, size);
	return 0;
}
