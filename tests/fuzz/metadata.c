/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a metadata block: what passes the check is loaded, and encoded again the same. */
#include <string.h>
#include "base/metadata.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pyr_metadata *metadata = pyr_metadata_new();
	bool valid = pyr__metadata_check(data, size);
	MUST(pyr__metadata_load(metadata, (pyr__text){(const char *)data, size}) == valid);
	pyr__text block = pyr__metadata_text(metadata);
	MUST(block.size == (valid ? size : 0));
	MUST(block.size == 0 || memcmp(block.data, data, size) == 0);
	const char *key, *value;
	size_t value_size;
	for (size_t i = 0; pyr_metadata_at(metadata, i, &key, &value, &value_size); i++) {
		MUST(strlen(key) >= 1 && strlen(key) <= 255 && value[value_size] == '\0');
		MUST(pyr_metadata_get(metadata, key));
	}
	pyr_metadata_free(metadata);
	return 0;
}
