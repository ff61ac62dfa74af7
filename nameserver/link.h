/* SPDX-License-Identifier: Apache-2.0 */
/* Doubly linked lists of things that contain a link. */
#ifndef NS_LINK_H
#define NS_LINK_H

#include <stdbool.h>
#include <stddef.h>

/* A list's head or a member of one. */
typedef struct ns_link {
	struct ns_link *prev, *next;
} ns_link;

/* The struct of which the link at `pointer` is the given member. */
#define NS_OWNER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

static inline void ns_link_init(ns_link *link)
{
	link->prev = link->next = link;
}

static inline bool ns_link_empty(const ns_link *head)
{
	return head->next == head;
}

/* Puts link at the end of the list, or before the member `head`. */
static inline void ns_link_append(ns_link *head, ns_link *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* Takes it out of its list; harmless on one that is in none but initialised. */
static inline void ns_link_remove(ns_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	ns_link_init(link);
}

/* The first member, taken out; NULL if there is none. */
static inline ns_link *ns_link_take(ns_link *head)
{
	if (ns_link_empty(head))
		return NULL;
	ns_link *first = head->next;
	ns_link_remove(first);
	return first;
}

/* Moves all members of `from` to the end of `to`. */
static inline void ns_link_move_all(ns_link *to, ns_link *from)
{
	for (ns_link *link; (link = ns_link_take(from));)
		ns_link_append(to, link);
}

#endif
