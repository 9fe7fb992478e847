/* told: what commands leave in the audit log. They are nobody's key, and have no address. */
#pragma once

#include "command.h"
#include "store/audit.h"

/* A record without a workspace and details yet; its id from the invocation's arena. */
struct audit_record told_record(const struct invocation *invocation, enum activity activity, int64_t now_ms);
/* Adds RECORD of a change of the business: it is kept with the workspace that the business began with. */
MUST_CHECK bool told_of_business(struct db *db, struct audit_record record, struct error *reterr);
