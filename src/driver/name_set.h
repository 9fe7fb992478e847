/*
 * name_set: names that are only ever added, read without any lock. Adding takes a mutex.
 */
#pragma once

#include "base/str.h"

struct name_set;

/* Never NULL. */
struct name_set *name_set_create(void);
/* NULL is fine; no other call may be running. */
void name_set_destroy(struct name_set *set);
/* Copies NAME; adding it again changes nothing. */
void name_set_add(struct name_set *set, struct str name);
/* Sees every name whose name_set_add returned before. */
bool name_set_has(const struct name_set *set, struct str name);
