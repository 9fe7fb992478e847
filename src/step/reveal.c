#include "step/reveal.h"

#include "base/buf.h"
#include "store/lists.h"

enum { DETAIL_MAX_BYTES = 4096, ADDRESS_MAX = 320 /* RFC 5321 section 4.5.3.1 */ };

struct revealing {
    const struct world *world;
    struct str workspace_id, audit_id;
    struct actor actor;
    struct arena *arena;
    struct reveal *reveal;
};

static bool check_state(const struct account_row *row, struct error *reterr) {
    switch (row->state) {
    case ACCOUNT_READY:
        return true;
    case ACCOUNT_CANCELLED:
        return error_set(reterr, ERR_CONFLICT, "%.*s is cancelled: it has no password any more", STR_ARG(row->email));
    case ACCOUNT_FAILED:
        return error_set(reterr, ERR_CONFLICT, "%.*s could not be set up, so it has no password: %.*s",
                         STR_ARG(row->email), STR_ARG(row->reason));
    case ACCOUNT_RESERVED:
    case ACCOUNT_PENDING:
    case ACCOUNT_STATE_END:
        break;
    }
    return error_set(reterr, ERR_CONFLICT, "%.*s is still being set up. It has a password once it is ready.",
                     STR_ARG(row->email));
}

static bool write_record(struct db *db, const struct revealing *r, const struct account_row *row,
                         struct error *reterr) {
    struct buf detail;
    buf_init(&detail, DETAIL_MAX_BYTES);
    BUF_LIT(&detail, "{\"email\":");
    buf_add_json(&detail, row->email);
    BUF_LIT(&detail, "}");
    const struct audit_record record = {
        .id = r->audit_id,
        .workspace_id = r->workspace_id,
        .activity = ACTIVITY_PASSWORD_SHOWN,
        .actor = r->actor,
        .affected = 1,
        .detail = arena_str(r->arena, buf_str(&detail)),
        .now_ms = clock_now(r->world->clock),
    };
    buf_finish(&detail);
    return audit_add(db, &record, reterr);
}

static bool reveal_change(struct db *db, void *arg, struct error *reterr) {
    struct revealing *r = arg;
    struct account_row row;
    if (!account_find(db, r->workspace_id, r->reveal->email, r->arena, &row, reterr) || !check_state(&row, reterr))
        return false;
    struct str password;
    if (!vault_open_sealed(r->world->vault, row.sealed_password, r->arena, &password, reterr)) return false;
    if (!write_record(db, r, &row, reterr)) return false;
    *r->reveal = (struct reveal){.email = row.email, .password = password};
    return true;
}

/* Addresses are stored in lower case. */
static struct str lower(struct str text, struct arena *arena) {
    char *to = arena_alloc(arena, text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c | 0x20);
        to[i] = c;
    }
    return (struct str){to, text.n};
}

bool reveal_password(const struct world *world, struct str workspace_id, struct reveal *reveal, struct actor actor,
                     struct arena *arena, struct error *reterr) {
    char audit_id[UUID_TEXT];
    if (reveal->email.n > ADDRESS_MAX) return error_set(reterr, ERR_NOT_FOUND, "there is no such mailbox");
    reveal->email = lower(reveal->email, arena);
    ids_uuid(world->ids, audit_id);
    struct revealing r = {
        .world = world,
        .workspace_id = workspace_id,
        .audit_id = str_of(audit_id),
        .actor = actor,
        .arena = arena,
        .reveal = reveal,
    };
    return store_write_of(world->store, workspace_id, reveal_change, &r, reterr);
}
