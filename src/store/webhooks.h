/*
 * webhooks: who wants to be told what happened, as clients manage them; deliveries.h is about the telling. Functions
 * take a connection inside store_read or store_write.
 */
#pragma once

#include "base/ids.h"
#include "store/db.h"

enum { WEBHOOKS_MAX = 50 }; /* of one workspace */

/* A text that may be null. */
struct maybe {
    bool is_set;
    struct str text;
};

struct webhook {
    struct str id, workspace_id, target;
    struct maybe name, event_type, campaign;
    struct maybe custom_interest_value; /* a JSON number */
    struct maybe sealed_headers;        /* bytes for the vault */
    int64_t created_ms;
    bool is_active;
    int64_t error_ms;  /* when it was switched off; 0: it is active */
    struct str reason; /* why the last delivery failed; empty: it did not */
    int64_t pending;   /* events still to deliver; only webhook_page fills it */
};

/* ERR_INVALID when the workspace has WEBHOOKS_MAX. It is told of what happens from now on. */
MUST_CHECK bool webhook_add(struct db *db, const struct webhook *webhook, struct error *reterr);
/* ERR_NOT_FOUND, also for another workspace's, here and below. Text from ARENA. */
MUST_CHECK bool webhook_get(struct db *db, struct str workspace_id, struct str id, struct arena *arena,
                            struct webhook *ret, struct error *reterr);

struct webhook_filter {
    struct str workspace_id, before; /* before empty: from the newest */
    struct str campaign, event_type; /* empty: any */
};

/* At most LIMIT of them, newest first. */
MUST_CHECK bool webhook_page(struct db *db, const struct webhook_filter *filter, size_t limit, struct arena *arena,
                             struct webhook **ret, size_t *ret_n, struct error *reterr);
/* Writes target, name, event_type, campaign, custom_interest_value and sealed_headers. */
MUST_CHECK bool webhook_change(struct db *db, const struct webhook *webhook, struct error *reterr);
/* With what it had still to deliver. */
MUST_CHECK bool webhook_remove(struct db *db, struct str id, struct error *reterr);
/* Active again, and everything that waits is tried now, as if for the first time. */
MUST_CHECK bool webhook_resume(struct db *db, struct str id, int64_t now_ms, struct error *reterr);

/* What the workspace's deliveries are signed with. SEALED becomes it when there is none yet, or when REPLACE. */
MUST_CHECK bool webhook_secret_put(struct db *db, struct str workspace_id, struct str sealed, bool replace,
                                   struct error *reterr);
/* *ret is empty when there is none. */
MUST_CHECK bool webhook_secret_get(struct db *db, struct str workspace_id, struct arena *arena, struct str *ret_sealed,
                                   struct error *reterr);
