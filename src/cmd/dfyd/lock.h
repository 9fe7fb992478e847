/* lock: at most one server works in a data folder. The lock goes with its process, however that ends. */
#pragma once

#include "base/error.h"

/* Takes DIR/lock and writes this process's number into it. ERR_CONFLICT names the process that has it. *ret_fd: close
 * it to give the lock up. */
MUST_CHECK bool lock_take(const char *dir, int *ret_fd, struct error *reterr);
