/* SPDX-License-Identifier: Apache-2.0 */
/* Who watches what. */
#include "audience.h"

#include <stdlib.h>
#include <string.h>
#include "alloc.h"

/* No name is as long as a longer prefix, so nobody needs to look for one. */
static void count_prefix(ns_audience *audience, const char *prefix, int change)
{
	size_t size = strlen(prefix);
	if (size <= NS_NAME_MAX)
		audience->lengths[size] += (uint32_t)change;
}

static ns_group *new_group(ns_index *index, const char *key)
{
	size_t size = strlen(key) + 1;
	ns_group *group = ns_zalloc(sizeof *group + size);
	memcpy(group->key, key, size);
	group->leaf.key = group->key;
	ns_link_init(&group->members);
	ns_index_add(index, &group->leaf);
	return group;
}

ns_group *ns_audience_join(
	ns_audience *audience, ns_link *member, const char *name, const char *prefix)
{
	bool of_prefix = !*name;
	const char *key = of_prefix ? prefix : name;
	ns_index *index = of_prefix ? &audience->prefixes : &audience->names;
	ns_group *group = (ns_group *)ns_index_find(index, key);
	if (!group) {
		group = new_group(index, key);
		group->of_prefix = of_prefix;
		if (of_prefix)
			count_prefix(audience, key, 1);
	}
	ns_link_append(&group->members, member);
	return group;
}

void ns_audience_leave(ns_audience *audience, ns_group *group, ns_link *member)
{
	ns_link_remove(member);
	if (!ns_link_empty(&group->members))
		return;
	ns_index_remove(group->of_prefix ? &audience->prefixes : &audience->names, group->key);
	if (group->of_prefix)
		count_prefix(audience, group->key, -1);
	free(group);
}

void ns_audience_concerned(const ns_audience *audience, const char *name,
	void (*fn)(ns_group *group, void *ctx), void *ctx)
{
	char prefix[NS_NAME_MAX + 1];
	size_t size = strlen(name);
	ns_leaf *leaf = ns_index_find(&audience->names, name);
	if (leaf)
		fn((ns_group *)leaf, ctx);
	for (size_t length = 0; length <= size && length <= NS_NAME_MAX; length++) {
		if (!audience->lengths[length])
			continue;
		memcpy(prefix, name, length);
		prefix[length] = '\0';
		leaf = ns_index_find(&audience->prefixes, prefix);
		if (leaf)
			fn((ns_group *)leaf, ctx);
	}
}

/* The group may go while fn runs, but no other one does. */
static void each_of(ns_index *index, void (*fn)(ns_group *group, void *ctx), void *ctx)
{
	ns_leaf *leaf = ns_index_from(index, "");
	while (leaf) {
		ns_leaf *next = ns_index_after(index, leaf->key);
		fn((ns_group *)leaf, ctx);
		leaf = next;
	}
}

void ns_audience_each(ns_audience *audience, void (*fn)(ns_group *group, void *ctx), void *ctx)
{
	each_of(&audience->names, fn, ctx);
	each_of(&audience->prefixes, fn, ctx);
}
