/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who watches what: groups of those who watch one name, or one prefix. Telling all whom a change of
 * a name is about costs as much as there are of them, and a look for each length of prefixes.
 */
#ifndef NS_AUDIENCE_H
#define NS_AUDIENCE_H

#include <stdint.h>
#include "check.h"
#include "index.h"
#include "link.h"

/* There while it has members. */
typedef struct ns_group {
	ns_leaf leaf; /* in names or prefixes */
	ns_link members;
	bool of_prefix;
	char key[];
} ns_group;

/* All zero is nobody. */
typedef struct ns_audience {
	ns_index names;
	ns_index prefixes;                 /* "" is everything's */
	uint32_t lengths[NS_NAME_MAX + 1]; /* groups of prefixes that are so long */
} ns_audience;

/* The member, which is in no list, watches the name, or all with the prefix if the name is "". */
ns_group *ns_audience_join(
	ns_audience *audience, ns_link *member, const char *name, const char *prefix);

/* The member, which is of this group, watches no more. */
void ns_audience_leave(ns_audience *audience, ns_group *group, ns_link *member);

/* Runs fn for each group that a change of this name is about; it may not change the groups. */
void ns_audience_concerned(const ns_audience *audience, const char *name,
	void (*fn)(ns_group *group, void *ctx), void *ctx);

/* Runs fn for every group; members of that group may leave while it runs. */
void ns_audience_each(ns_audience *audience, void (*fn)(ns_group *group, void *ctx), void *ctx);

#endif
