/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps: of the entries with one key the last one stays. This is done at the very end, and only if a
 * map has several entries: a submessage with a map in it may be merged a million times.
 */
#include "codec/decoder.h"

static const void *key_of(const ProtobufCMessage *entry)
{
	return (const uint8_t *)entry + entry->descriptor->fields[0].offset;
}

/* Some order, in which the same keys are equal. */
static int compare_keys(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	const ProtobufCFieldDescriptor *field = &a->descriptor->fields[0];
	const void *left = key_of(a), *right = key_of(b);
	if (field->type == PROTOBUF_C_TYPE_STRING) {
		const char *l = *(char *const *)left, *r = *(char *const *)right;
		return strcmp(l ? l : "", r ? r : "");
	}
	uint64_t l = 0, r = 0;
	memcpy(&l, left, pyr__wire_size_of(field));
	memcpy(&r, right, pyr__wire_size_of(field));
	return l < r ? -1 : l > r;
}

typedef ProtobufCMessage *entry;

/* By key; those with the same in the order of the array. */
static int compare_slots(const void *a, const void *b)
{
	entry *const *left = a, *const *right = b;
	int order = compare_keys(**left, **right);
	if (order)
		return order;
	return *left < *right ? -1 : *left > *right;
}

static bool is_sorted(const entry *entries, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (compare_keys(entries[i - 1], entries[i]) >= 0)
			return false;
	return true;
}

static size_t remove_nulls(entry *entries, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (entries[i])
			entries[kept++] = entries[i];
	return kept;
}

/* Most writers sort the keys, or there are few; else the slots are sorted on the side. */
static bool settle(pyr__decoder *d, entry *entries, size_t *count)
{
	if (is_sorted(entries, *count))
		return true;
	entry **slots = pyr__try_alloc(*count * sizeof *slots);
	if (!slots)
		return pyr__decoder_exhausted(d, "there is no memory");
	for (size_t i = 0; i < *count; i++)
		slots[i] = &entries[i];
	qsort(slots, *count, sizeof *slots, compare_slots);
	for (size_t i = 1; i < *count; i++) {
		/* the later one has to live until it is compared with the next */
		if (compare_keys(*slots[i - 1], *slots[i]) != 0)
			continue;
		if (!d->arena)
			protobuf_c_message_free_unpacked(*slots[i - 1], NULL);
		*slots[i - 1] = NULL;
	}
	free(slots);
	*count = remove_nulls(entries, *count);
	return true;
}

static bool settle_field(
	pyr__decoder *d, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	uint8_t *quantifier = (uint8_t *)message + field->quantifier_offset;
	void *member = (uint8_t *)message + field->offset;
	if (field->label != PROTOBUF_C_LABEL_REPEATED) {
		entry sub = *(entry *)member;
		if (pyr__wire_is_oneof(field) && *(uint32_t *)quantifier != field->id)
			return true;
		return !sub || pyr__decoder_settle_maps(d, sub);
	}
	size_t *count = (size_t *)quantifier;
	entry *entries = *(entry **)member;
	bool is_map = pyr__decoder_is_map_entry(field->descriptor);
	bool good = !is_map || *count < 2 || settle(d, entries, count);
	for (size_t i = 0; i < *count && good; i++)
		good = pyr__decoder_settle_maps(d, entries[i]);
	return good;
}

bool pyr__decoder_settle_maps(pyr__decoder *d, ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		if (field->type != PROTOBUF_C_TYPE_MESSAGE || settle_field(d, field, message))
			continue;
		pyr__decoder_name(d, field);
		return false;
	}
	return true;
}
