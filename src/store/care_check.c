/* What a check found: kept, and told when it has changed. */
#include "base/buf.h"
#include "base/clock.h"
#include "store/care_inside.h"
#include "store/events.h"
#include "store/rows.h"

enum {
    TOLD_BYTES_MAX = 2500, /* of an event's payload; it holds 4096 */
    VALUE_BYTES_MAX = 150,
    ONE_BYTES_MAX = 4096, /* four values, whatever JSON makes of them */
    OUT_BYTES_MAX = TOLD_BYTES_MAX + 100,
};

#define OPEN "(s.state = 'due' OR s.state = 'retrying' OR s.state = 'running')"

static bool read_busy(struct db *db, struct str domain_id, struct arena *arena, struct care_subjects *ret,
                      struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "SELECT forwarding, EXISTS (SELECT 1 FROM steps s WHERE s.domain_id = $1 AND s.account_id = ''"
            " AND s.kind = 'publish_dns' AND " OPEN "), EXISTS (SELECT 1 FROM steps s WHERE s.domain_id = $1"
            " AND s.account_id = '' AND s.kind = 'set_forwarding' AND " OPEN "), EXISTS (SELECT 1 FROM steps s"
            " WHERE s.domain_id = $1 AND s.account_id = '' AND s.kind = 'set_forwarding' AND s.state = 'failed')"
            " FROM domains WHERE id = $1");
    stmt_text(stmt, 1, domain_id);
    if (!row_find(stmt, reterr, "there is no domain %.*s", STR_ARG(domain_id))) return false;
    ret->forwarding = row_text(stmt, 0, arena);
    ret->mail_is_busy = stmt_col_int(stmt, 1) != 0;
    ret->web_is_busy = stmt_col_int(stmt, 2) != 0;
    ret->web_is_off = stmt_col_int(stmt, 3) != 0;
    stmt_done(stmt);
    return true;
}

bool care_subjects(struct db *db, struct str domain_id, struct arena *arena, struct care_subjects *ret,
                   struct error *reterr) {
    struct rows rows = {.size = sizeof(struct care_mailbox)};
    struct stmt *stmt =
        db_stmt(db, "SELECT a.id, a.email, a.sealed_password FROM accounts a WHERE a.domain_id = $1"
                    " AND a.state = 'ready' AND a.suspended_ms = 0 AND NOT EXISTS (SELECT 1 FROM steps s"
                    " WHERE s.domain_id = $1 AND s.account_id = a.id AND " OPEN ") ORDER BY a.id");
    stmt_text(stmt, 1, domain_id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct care_mailbox *)rows_add(&rows, arena) = (struct care_mailbox){
            .account_id = row_text(stmt, 0, arena),
            .email = row_text(stmt, 1, arena),
            .sealed_password = row_text(stmt, 2, arena),
        };
    if (step == DB_FAIL) return false;
    *ret = (struct care_subjects){.mailboxes = rows.first, .n_mailboxes = rows.n};
    return read_busy(db, domain_id, arena, ret, reterr);
}

/* ---- what is told ---- */

static struct str shortened(struct str text, struct arena *arena) {
    if (text.n <= VALUE_BYTES_MAX) return text;
    size_t n = VALUE_BYTES_MAX;
    while (n && ((unsigned char)text.p[n] & 0xc0) == 0x80) n--; /* not within a character */
    return arena_printf(arena, "%.*s…", (int)n, text.p);
}

static void add_member(struct buf *out, const char *before, struct str value, struct arena *arena) {
    buf_add(out, str_of(before));
    buf_add_json(out, shortened(value, arena));
}

static void finish_buf(struct buf *buf) {
    buf_finish(buf);
}

/* As many of them as an event has room for, as JSON. */
static struct str told_findings(struct str text, struct arena *arena) {
    struct finding *findings;
    size_t n, told = 0;
    findings_read(text, arena, &findings, &n);
    CLEANUP(finish_buf) struct buf out, one;
    buf_init(&out, OUT_BYTES_MAX);
    buf_init(&one, ONE_BYTES_MAX);
    BUF_LIT(&out, "\"findings\":[");
    for (; told < n; told++) {
        buf_clear(&one);
        add_member(&one, told ? ",{\"what\":" : "{\"what\":", findings[told].subject, arena);
        add_member(&one, ",\"wanted\":", findings[told].wanted, arena);
        add_member(&one, ",\"seen\":", findings[told].seen, arena);
        add_member(&one, ",\"mend\":", findings[told].mend, arena);
        BUF_LIT(&one, "}");
        if (!buf_ok(&one) || out.n + one.n > TOLD_BYTES_MAX) break;
        buf_add(&out, buf_str(&one));
    }
    BUF_LIT(&out, "],\"more\":");
    buf_add_int(&out, (int64_t)(n - told));
    return arena_str(arena, buf_str(&out));
}

static bool tell(struct db *db, const struct care *care, struct str findings, int64_t now_ms, struct arena *arena,
                 struct error *reterr) {
    struct event event = {
        .workspace_id = care->workspace_id,
        .type = findings.n ? EVENT_DOMAIN_DRIFTED : EVENT_DOMAIN_RESTORED,
        .domain = care->domain,
        .order_id = care->order_id,
        .now_ms = now_ms,
    };
    if (findings.n) event.more = told_findings(findings, arena);
    return event_add(db, &event, reterr);
}

/* ---- recording ---- */

static bool has_mailbox(const struct care_subjects *subjects, struct str email) {
    for (size_t i = 0; i < subjects->n_mailboxes; i++)
        if (str_eq(subjects->mailboxes[i].email, email)) return true;
    return false;
}

/* Without mailboxes that were closed or removed meanwhile; *ret_records: whether any is of records. */
static struct str still_true(const struct care_checked *checked, const struct care_subjects *subjects,
                             struct arena *arena, bool *ret_records) {
    struct finding *kept = ARENA_ARRAY(arena, checked->n, struct finding);
    size_t n = 0;
    *ret_records = false;
    for (size_t i = 0; i < checked->n; i++) {
        if (checked->findings[i].kind == FINDING_MAILBOX && !has_mailbox(subjects, checked->findings[i].subject))
            continue;
        *ret_records |= checked->findings[i].kind == FINDING_RECORD;
        kept[n++] = checked->findings[i];
    }
    return findings_write(kept, n, arena);
}

static bool write(struct db *db, const struct care *care, const struct care_check *to, bool *ret_held,
                  struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "UPDATE domain_care SET checked_ms = $3, check_again_ms = $4, check_tries = $5, unclear_since_ms = $6,"
            " unclear_reason = $7, findings = $8 WHERE domain_id = $1 AND attempts = $2 AND is_leased = 1");
    stmt_text(stmt, 1, care->domain_id);
    stmt_int(stmt, 2, care->attempts);
    stmt_int(stmt, 3, to->checked_ms);
    stmt_int(stmt, 4, to->again_ms);
    stmt_int(stmt, 5, to->tries);
    stmt_int(stmt, 6, to->unclear_since_ms);
    stmt_text(stmt, 7, to->unclear_reason);
    if (to->is_checked)
        stmt_text(stmt, 8, to->findings);
    else
        stmt_null(stmt, 8);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    *ret_held = changed > 0;
    return true;
}

bool care_write_check(struct db *db, const struct care *care, const struct care_checked *checked, int64_t now_ms,
                      bool *ret_held, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct care_subjects subjects;
    struct care_check to = care->check;
    bool has_records;
    if (!care_subjects(db, care->domain_id, arena, &subjects, reterr)) return false;
    struct str found = still_true(checked, &subjects, arena, &has_records);
    bool is_busy = subjects.mail_is_busy || subjects.web_is_busy || !str_eq(subjects.forwarding, care->forwarding);
    bool is_unclear = checked->is_unclear || (has_records && is_busy);
    to.unclear_since_ms = !is_unclear ? 0 : to.unclear_since_ms ? to.unclear_since_ms : now_ms;
    to.unclear_reason = !is_unclear           ? STR("")
                        : checked->is_unclear ? checked->unclear_reason
                                              : STR("its records were being changed");
    bool may_clear_up = is_unclear && to.tries + 1 < checked->tries_max;
    if (may_clear_up) found = has_records && is_busy ? STR("") : findings_certain(found, arena);
    /* Of what could not be looked at, what was known before still stands. */
    struct str before = findings_certain(care->check.findings, arena);
    if (is_unclear) found = findings_with(found, before, arena);
    to.tries = may_clear_up ? to.tries + 1 : 0;
    to.again_ms = may_clear_up ? checked->again_ms : 0;
    if (!may_clear_up) to.checked_ms = now_ms;
    to.is_checked |= !may_clear_up || found.n;
    to.findings = found;
    if (!write(db, care, &to, ret_held, reterr)) return false;
    if (!*ret_held) return true;
    /* What could not be checked is the operator's matter: customers are told what is certain. */
    struct str certain = findings_certain(found, arena);
    return findings_same(before, certain, arena) || tell(db, care, certain, now_ms, arena, reterr);
}

/* ---- whose settings ---- */

bool care_settings_put(struct db *db, struct str settings, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE care_settings SET settings = $1 WHERE id = 1 AND settings <> $1");
    stmt_text(stmt, 1, settings);
    return stmt_run(stmt, NULL, reterr);
}

/* The line of TEXT that sets NAME; empty: none does. */
static struct str value_in(struct str text, struct str name) {
    while (text.n) {
        struct str value, line = str_cut(text, '\n', &text);
        if (str_eq(str_cut(line, '=', &value), name)) return value;
    }
    return STR("");
}

bool care_settings_match(struct db *db, struct str settings, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct stmt *stmt = db_stmt(db, "SELECT settings FROM care_settings WHERE id = 1");
    if (!row_find(stmt, reterr, "the settings of the server are missing")) return false;
    struct str servers = row_text(stmt, 0, arena);
    stmt_done(stmt);
    while (servers.n && settings.n) {
        struct str value, name = str_cut(str_cut(settings, '\n', &settings), '=', &value);
        struct str other = value_in(servers, name);
        if (!str_eq(value, other))
            return error_set(
                reterr, ERR_CONFLICT,
                "the server works with %.*s \"%.*s\", this command with \"%.*s\", and would find wrong what is"
                " right: give it the server's settings, by --config, DFYD_... or its flags",
                STR_ARG(name), STR_ARG(other), STR_ARG(value));
    }
    return true;
}
