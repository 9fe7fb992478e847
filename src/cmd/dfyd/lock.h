/*
 * lock: at most one process works on the SQLite database of a data folder, or any number on a shared one. The lock goes
 * with its process, however that ends.
 */
#pragma once

#include "base/error.h"

/* Descriptors; -1: none. */
struct lock {
    int file, folder;
};

/* Takes DIR/lock and writes this process's number into it; IS_SHARED: beside others that share it. ERR_CONFLICT names
 * the process that has it. */
MUST_CHECK bool lock_take(const char *dir, bool is_shared, struct lock *ret, struct error *reterr);
/* Whether a process has DIR's lock for itself. */
bool lock_is_held(const char *dir);
/* Gives the lock up. Fine when none was taken. */
void lock_drop(struct lock *lock);
