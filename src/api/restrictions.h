/*
 * restrictions: the restricted names in force: the lists of the program with the operator's entries, compiled once and
 * shared. Each thread keeps hold of one edition and looks for a newer one only after something was committed, so that
 * it costs neither a query nor a lock while nothing changes.
 */
#pragma once

#include "core/restricted.h"
#include "store/store.h"

struct restrictions;

/* Never NULL. STORE must outlive it. */
struct restrictions *restrictions_create(struct store *store);
/* NULL is fine. No other thread may be using it. */
void restrictions_destroy(struct restrictions *restrictions);
/* Those in force now; *ret is good until this thread's next call. */
MUST_CHECK bool restrictions_now(struct restrictions *restrictions, const struct restricted **ret,
                                 struct error *reterr);
