/* lock: at most one server works in a data folder. The lock goes with its process, however that ends. */
#pragma once

#include "base/error.h"

/* Descriptors; -1: none. */
struct lock {
    int file, folder;
};

/* Takes DIR/lock and writes this process's number into it. ERR_CONFLICT names the process that has it. */
MUST_CHECK bool lock_take(const char *dir, struct lock *ret, struct error *reterr);
/* Whether a process has DIR's lock. */
bool lock_is_held(const char *dir);
/* Gives the lock up. Fine when none was taken. */
void lock_drop(struct lock *lock);
