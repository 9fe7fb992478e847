/*
 * book: texts and what is known of them, in memory. Any number of threads look things up without a lock and without
 * waiting, while one at a time writes. What is taken out is freed when no thread can be looking at it any more: each
 * thread says when it begins and ends to look, and what was taken out since stays that long.
 */
#pragma once

#include "base/str.h"

/* What is known of one text. Never changed: another one takes its place. */
struct book_entry {
    uint32_t hash;
    uint8_t key_n, value_n;
    uint8_t flags; /* the owner's */
    char text[];   /* the key, then the value */
};

static inline struct str book_key(const struct book_entry *entry) {
    return (struct str){entry->text, entry->key_n};
}

static inline struct str book_value(const struct book_entry *entry) {
    return (struct str){entry->text + entry->key_n, entry->value_n};
}

struct book;

enum { BOOK_TEXT_MAX = 255 }; /* bytes of a key or a value */

struct book *book_create(void) __attribute__((returns_nonnull));
/* No thread may be looking. NULL is fine. */
void book_destroy(struct book *book);

/* What book_find returns between these two is good until the second. Not nested. */
void book_begin(struct book *book);
void book_end(struct book *book);
/* NULL when there is nothing of that KEY. */
const struct book_entry *book_find(struct book *book, struct str key);

/* The rest is for whoever writes, one thread at a time. Texts of more than BOOK_TEXT_MAX bytes end the process. */
void book_put(struct book *book, struct str key, struct str value, uint8_t flags);
/* Takes KEY out; nothing happens when it is not there. */
void book_remove(struct book *book, struct str key);
/* Calls EACH for every entry, which may put and remove that entry's key, and no other. */
void book_each(struct book *book, void (*each)(void *arg, const struct book_entry *entry), void *arg);
/* Frees what nobody can see any more; put and remove do it now and then. */
void book_tidy(struct book *book);
size_t book_count(const struct book *book);
