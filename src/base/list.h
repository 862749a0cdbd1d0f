/*
 * base/list.h - doubly linked list whose links lie inside the members
 *
 * A head that is zeroed must be initialised before use; a member's link that is zeroed is "in no list".
 */
#ifndef RF_BASE_LIST_H
#define RF_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct rf_link {
    struct rf_link *next, *prev;
};

/* The struct that holds the link `field` at ptr. */
#define rf_container(ptr, type, field) ((type *)(void *)((char *)(ptr) - offsetof(type, field)))

static inline void
rf_list_init(struct rf_link *head)
{
    head->next = head->prev = head;
}

static inline bool
rf_list_empty(const struct rf_link *head)
{
    return head->next == head;
}

static inline bool
rf_link_is_in_list(const struct rf_link *link)
{
    return link->next != NULL;
}

static inline void
rf_list_append(struct rf_link *head, struct rf_link *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

/** Take it out of its list; nothing happens when it is in none. */
static inline void
rf_list_remove(struct rf_link *link)
{
    if (link->next == NULL)
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = NULL;
}

/* The body may remove `it`, but not the member after it. */
#define RF_LIST_FOREACH(head, it)                                                                             \
    for (struct rf_link *it = (head)->next, *it##_next = it->next; it != (head);                              \
         it = it##_next, it##_next = it->next)

#endif
