/* member: the members of objects in answers, but the first: ,"NAME":VALUE. */
#pragma once

#include "base/buf.h"
#include "core/money.h"

/* null when it is empty. */
void member_text(struct buf *out, const char *name, struct str value);
/* null when it is 0. */
void member_time(struct buf *out, const char *name, int64_t ms);
void member_money(struct buf *out, const char *name, cents amount);
/* A list of the scopes of a key, which are separated by one space. */
void member_scopes(struct buf *out, const char *name, struct str scopes);
