/* told: what commands leave in the audit log. They are nobody's key, and have no address. */
#pragma once

#include "command.h"
#include "store/audit.h"

/* A record of now, without a workspace and details yet; its id from the invocation's arena. */
struct audit_record told_record(const struct invocation *invocation, enum activity activity);

/* What happened to what: members of an object. */
struct told_member {
    const char *name;
    enum { TOLD_TEXT, TOLD_MONEY, TOLD_NUMBER, TOLD_FLAG } kind;
    struct str text; /* TOLD_TEXT; empty: null */
    int64_t number;  /* cents of TOLD_MONEY */
};

/* Of N members, from ARENA. */
struct str told_detail(const struct told_member *members, size_t n, struct arena *arena);

/* Adds RECORD of a change of that workspace. */
MUST_CHECK bool told_of(struct db *db, struct audit_record record, struct str workspace_id, struct error *reterr);
/* Adds RECORD of a change of the business: it is kept with the workspace that the business began with. */
MUST_CHECK bool told_of_business(struct db *db, struct audit_record record, struct error *reterr);
