/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intrusive doubly linked lists. The list's head is a link as well; a link is part of what it
 * links, usually its first member. Walk with
 *
 *     for (pyr__link *l = list->next; l != list; l = l->next)
 */
#ifndef PYR_BASE_LIST_H
#define PYR_BASE_LIST_H

#include <stdbool.h>

typedef struct pyr__link {
	struct pyr__link *prev;
	struct pyr__link *next;
} pyr__link;

/* Makes an empty list, or a link that is in no list. */
static inline void pyr__list_init(pyr__link *list)
{
	list->prev = list;
	list->next = list;
}

static inline bool pyr__list_empty(const pyr__link *list)
{
	return list->next == list;
}

/* Puts link, which must be in no list, at the end. */
static inline void pyr__list_append(pyr__link *list, pyr__link *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

/* Takes link out of its list, if it is in one; it may be removed again, or appended elsewhere. */
static inline void pyr__list_remove(pyr__link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	pyr__list_init(link);
}

/* Moves all that is in `from` to the end of `to`, in its order. */
static inline void pyr__list_move(pyr__link *to, pyr__link *from)
{
	if (pyr__list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	pyr__list_init(from);
}

#endif
