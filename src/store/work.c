#include "store/work.h"

#include "base/buf.h"
#include "core/finding.h"
#include "core/money.h"
#include "core/state.h"
#include "store/refunds.h"
#include "store/renewals_view.h"
#include "store/rows.h"

const char *const work_kind_names[WORK_KIND_END + 1] = {
    [WORK_STEP] = "step",     [WORK_ORDER] = "order",     [WORK_RENEWAL] = "renewal",
    [WORK_REFUND] = "refund", [WORK_WEBHOOK] = "webhook", [WORK_DOMAIN] = "domain",
};

struct reading {
    struct db *db;
    const struct work_query *query;
    struct arena *arena;
    struct rows rows;
    unsigned more;
};

/* Whether one more of KIND, of which N are there, is wanted; says so when there is another. */
static bool has_room(struct reading *r, enum work_kind kind, size_t n) {
    if (n < r->query->max) return true;
    r->more |= 1U << kind;
    return false;
}

static struct work_row *add(struct reading *r) {
    return rows_add(&r->rows, r->arena);
}

/* $AT and the next: AFTER, the place of the last of the page before; when it is NULL, MS and ID, which all come after.
 */
static void bind_after(struct stmt *stmt, int at, const struct work_place *after, int64_t ms, const char *id) {
    stmt_int(stmt, at, after ? after->ms : ms);
    stmt_text(stmt, at + 1, after ? after->id : str_of(id));
}

/* The id of the last of the page before; empty: this is the first. */
static struct str id_before(const struct reading *r) {
    return r->query->after ? r->query->after->id : STR("");
}

static struct str dollars(cents amount, struct arena *arena) {
    struct buf text;
    buf_init(&text, 64);
    money_text(&text, amount);
    struct str copy = arena_str(arena, buf_str(&text));
    buf_finish(&text);
    return copy;
}

/* ---- steps ---- */

static const char *const step_words[STEP_KIND_END] = {
    [STEP_REGISTER_DOMAIN] = "Registering",         [STEP_PUBLISH_DNS] = "Publishing the records of",
    [STEP_CREATE_MAILBOX] = "Making the mailbox",   [STEP_SET_FORWARDING] = "Forwarding",
    [STEP_REMOVE_MAILBOX] = "Removing the mailbox", [STEP_RENEW_DOMAIN] = "Renewing",
    [STEP_SET_ACCESS] = "Changing the access to",
};

/* The refund of what a failed step was for; '': none was decided on. */
#define REFUND(column)                                                                                                 \
    "(SELECT r." column " FROM refunds r WHERE r.domain_id = s.domain_id AND r.domain_id <> ''"                        \
    " AND (r.account_id = '' OR r.account_id = s.account_id) ORDER BY r.id DESC LIMIT 1)"
#define STEP_COLUMNS                                                                                                   \
    "SELECT s.domain_id, s.account_id, s.kind, s.state, s.attempts, s.due_ms, s.reason, d.name, COALESCE(a.email, "    \
    "''),"                                                                                                             \
    " o.ended_ms, COALESCE(" REFUND("state") ", ''), COALESCE(" REFUND(                                                \
        "due_ms") ", 0), s.workspace_id, w.name"                                                                       \
                  " FROM steps s JOIN domains d ON d.id = s.domain_id JOIN orders o ON o.id = s.order_id"              \
                  " JOIN workspaces w ON w.id = s.workspace_id LEFT JOIN accounts a ON a.id = s.account_id "

static void say_after_failure(struct work_row *row, enum step_kind kind, struct str refund, int64_t refund_ms) {
    if (str_is(refund, "waiting")) {
        row->next = STR("Its owner may take another name until then; else the money goes back");
        row->next_ms = refund_ms;
    } else if (str_is(refund, "due") || str_is(refund, "running")) {
        row->next = STR("The money goes back");
        row->next_ms = refund_ms;
    } else if (str_is(refund, "failed")) {
        row->next = STR("The refund was refused, too: it stands among the refunds");
    } else if (kind == STEP_SET_FORWARDING) {
        row->next = STR("Nothing is tried any more until its owner sets the forwarding anew");
    } else {
        row->next = STR("Nothing is tried any more, and nothing was paid for it: it is for a person to look at");
    }
}

static void add_step(struct reading *r, struct stmt *stmt) {
    struct arena *arena = r->arena;
    enum step_kind kind = (enum step_kind)row_word(stmt, 2, step_kind_names, STEP_KIND_END);
    enum step_state state = (enum step_state)row_word(stmt, 3, step_state_names, STEP_STATE_END);
    struct str domain_id = stmt_col_text(stmt, 0), account_id = stmt_col_text(stmt, 1), email = stmt_col_text(stmt, 8);
    int64_t due_ms = stmt_col_int(stmt, 5);
    struct work_row *row = add(r);
    struct str id = arena_printf(arena, "%.*s/%.*s/%s", STR_ARG(domain_id), STR_ARG(account_id), step_kind_names[kind]);
    *row = (struct work_row){
        .kind = WORK_STEP,
        .id = id,
        .place = {.is_over = state == STEP_FAILED, .ms = due_ms, .id = id},
        .workspace_id = row_text(stmt, 12, arena),
        .workspace = row_text(stmt, 13, arena),
        .what = arena_printf(arena, "%s %.*s", step_words[kind], STR_ARG(email.n ? email : stmt_col_text(stmt, 7))),
        .why = row_text(stmt, 6, arena),
        .attempts = stmt_col_int(stmt, 4),
    };
    if (state == STEP_FAILED) {
        row->since_ms = due_ms;
        say_after_failure(row, kind, stmt_col_text(stmt, 10), stmt_col_int(stmt, 11));
        return;
    }
    /* What an order began has waited since it was paid; of what came later it is not known. */
    if (kind <= STEP_SET_FORWARDING) row->since_ms = stmt_col_int(stmt, 9);
    row->next = state == STEP_RUNNING ? STR("It is being tried now") : STR("It is tried again");
    row->next_ms = state == STEP_RUNNING ? 0 : due_ms;
    row->helps = state == STEP_RETRYING ? "Try now" : NULL;
}

#define STEP_ID "s.domain_id || '/' || s.account_id || '/' || s.kind"

/* $1: since when, for those that failed; $2: how many; $3, $4: after which. */
static bool read_steps(struct reading *r, struct error *reterr) {
    static const struct {
        const char *sql;
        int64_t ms;
        const char *id;
    } halves[] = {
        {STEP_COLUMNS "WHERE (s.state = 'due' OR s.state = 'retrying' OR s.state = 'running') AND $1 >= 0 AND"
                      " (s.state = 'retrying' OR (s.state = 'running' AND s.reason <> ''))"
                      " AND (s.due_ms, " STEP_ID ") > ($3, $4) ORDER BY s.due_ms, " STEP_ID " LIMIT $2",
         INT64_MIN, ""},
        {STEP_COLUMNS "WHERE s.state = 'failed' AND s.due_ms >= $1 AND NOT EXISTS (SELECT 1 FROM refunds g"
                      " WHERE g.domain_id = s.domain_id AND g.domain_id <> '' AND (g.account_id = '' OR"
                      " g.account_id = s.account_id) AND (g.state = 'done' OR g.state = 'swapped'))"
                      " AND (s.due_ms, " STEP_ID ") < ($3, $4) ORDER BY s.due_ms DESC, " STEP_ID " DESC LIMIT $2",
         INT64_MAX, "~"},
    };
    const struct work_place *after = r->query->after;
    size_t n = 0;
    for (size_t i = after && after->is_over; i < ARRAY_LEN(halves); i++) {
        struct stmt *stmt = db_stmt(r->db, halves[i].sql);
        bool goes_on = after && after->is_over == (i == 1);
        stmt_int(stmt, 1, r->query->lately_ms);
        stmt_int(stmt, 2, (int64_t)(r->query->max - n) + 1);
        bind_after(stmt, 3, goes_on ? after : NULL, halves[i].ms, halves[i].id);
        enum db_step step;
        while ((step = stmt_step(stmt, reterr)) == DB_ROW && has_room(r, WORK_STEP, n)) {
            add_step(r, stmt);
            n++;
        }
        if (step == DB_FAIL) return false;
        stmt_done(stmt);
    }
    return true;
}

/* ---- orders ---- */

static bool read_orders(struct reading *r, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(r->db, "SELECT o.id, o.workspace_id, w.name, o.amount, o.reason, o.attempts, o.settle_after_ms,"
                       " o.created_ms FROM orders o JOIN workspaces w ON w.id = o.workspace_id"
                       " WHERE o.state = 'reserved' AND (o.attempts > 0 OR o.reason <> '' OR o.settle_after_ms <= $1)"
                       " AND (o.settle_after_ms, o.id) > ($3, $4) ORDER BY o.settle_after_ms, o.id LIMIT $2");
    stmt_int(stmt, 1, r->query->now_ms);
    stmt_int(stmt, 2, (int64_t)r->query->max + 1);
    bind_after(stmt, 3, r->query->after, INT64_MIN, "");
    enum db_step step;
    for (size_t n = 0; (step = stmt_step(stmt, reterr)) == DB_ROW && has_room(r, WORK_ORDER, n); n++) {
        struct work_row *row = add(r);
        *row = (struct work_row){
            .kind = WORK_ORDER,
            .id = row_text(stmt, 0, r->arena),
            .workspace_id = row_text(stmt, 1, r->arena),
            .workspace = row_text(stmt, 2, r->arena),
            .what = arena_printf(r->arena, "Order of $%.*s", STR_ARG(dollars(stmt_col_int(stmt, 3), r->arena))),
            .why = row_text(stmt, 4, r->arena),
            .next = STR("The payment service is asked what became of the charge"),
            .attempts = stmt_col_int(stmt, 5),
            .next_ms = stmt_col_int(stmt, 6),
            .since_ms = stmt_col_int(stmt, 7),
        };
        row->place = (struct work_place){.ms = row->next_ms, .id = row->id};
        if (row->attempts || row->why.n) row->helps = "Ask now";
    }
    stmt_done(stmt);
    return step != DB_FAIL;
}

/* ---- renewals and refunds; the names of their workspaces come later ---- */

static const char *next_of_renewal(const struct renewal_row *renewal) {
    if (renewal->state == RENEWAL_CHARGING) return "The payment service is asked what became of the charge";
    if (renewal->cancels) return "What it is for is cancelled";
    return renewal->state == RENEWAL_SUSPENDED ? "Its mailboxes are closed; it is charged again"
                                               : "It is charged again";
}

static bool read_renewals(struct reading *r, struct error *reterr) {
    struct renewal_row *found;
    size_t n;
    if (!renewals_list(r->db, true, id_before(r), r->query->max + 1, r->arena, &found, &n, reterr)) return false;
    for (size_t i = 0; i < n && has_room(r, WORK_RENEWAL, i); i++)
        *add(r) = (struct work_row){
            .kind = WORK_RENEWAL,
            .id = found[i].id,
            .place = {.id = found[i].id},
            .workspace_id = found[i].workspace_id,
            .what = arena_printf(r->arena, "Renewal of $%.*s", STR_ARG(dollars(found[i].amount, r->arena))),
            .why = found[i].reason,
            .next = str_of(next_of_renewal(&found[i])),
            .since_ms = found[i].day_ms,
            .next_ms = found[i].due_ms,
            .helps = found[i].state == RENEWAL_CHARGING ? NULL : "Charge now",
            .attempts = found[i].failures,
        };
    return true;
}

static bool read_refunds(struct reading *r, struct error *reterr) {
    const struct refund_query query = {.stuck = true, .before = id_before(r), .max = r->query->max + 1};
    struct refund *found;
    size_t n;
    if (!refund_list(r->db, &query, r->arena, &found, &n, reterr)) return false;
    for (size_t i = 0; i < n && has_room(r, WORK_REFUND, i); i++) {
        const struct refund *refund = &found[i];
        bool failed = refund->state == REFUND_FAILED;
        *add(r) = (struct work_row){
            .kind = WORK_REFUND,
            .id = refund->id,
            .place = {.id = refund->id},
            .workspace_id = refund->workspace_id,
            .what = arena_printf(r->arena, "Refund of $%.*s%s%.*s", STR_ARG(dollars(refund->amount, r->arena)),
                                 refund->domain.n ? " for " : "",
                                 STR_ARG(refund->email.n ? refund->email : refund->domain)),
            .why = refund->reason,
            .next = failed ? STR("Nothing is tried any more, and the money is still owed") : STR("It is tried again"),
            .since_ms = refund->created_ms,
            .next_ms = failed ? 0 : refund->due_ms,
            .helps = failed ? "Try again" : NULL,
            .attempts = refund->attempts,
        };
    }
    return true;
}

/* ---- webhooks and domains ---- */

static bool read_webhooks(struct reading *r, struct error *reterr) {
    struct stmt *stmt = db_stmt(r->db, "SELECT h.id, h.workspace_id, w.name, h.target, h.reason, h.error_ms, h.failures"
                                       " FROM webhooks h JOIN workspaces w ON w.id = h.workspace_id"
                                       " WHERE h.status = -1 AND (h.error_ms, h.id) < ($2, $3)"
                                       " ORDER BY h.error_ms DESC, h.id DESC LIMIT $1");
    stmt_int(stmt, 1, (int64_t)r->query->max + 1);
    bind_after(stmt, 2, r->query->after, INT64_MAX, "~");
    enum db_step step;
    for (size_t n = 0; (step = stmt_step(stmt, reterr)) == DB_ROW && has_room(r, WORK_WEBHOOK, n); n++) {
        struct str id = row_text(stmt, 0, r->arena);
        *add(r) = (struct work_row){
            .kind = WORK_WEBHOOK,
            .id = id,
            .place = {.ms = stmt_col_int(stmt, 5), .id = id},
            .workspace_id = row_text(stmt, 1, r->arena),
            .workspace = row_text(stmt, 2, r->arena),
            .what = arena_printf(r->arena, "Webhook to %.*s", STR_ARG(stmt_col_text(stmt, 3))),
            .why = row_text(stmt, 4, r->arena),
            .next = STR("Nothing is delivered until it is switched on again"),
            .since_ms = stmt_col_int(stmt, 5),
            .helps = "Switch on",
            .attempts = stmt_col_int(stmt, 6),
        };
    }
    stmt_done(stmt);
    return step != DB_FAIL;
}

/* The first thing that a check found, how many more there are, and what would mend it. */
static void say_findings(struct reading *r, struct work_row *row, struct str text) {
    struct finding *findings;
    size_t n;
    findings_read(text, r->arena, &findings, &n);
    if (!n) return;
    struct str first = finding_text(findings, r->arena);
    row->why = n == 1 ? first : arena_printf(r->arena, "%.*s; and %zu more", STR_ARG(first), n - 1);
    row->next =
        arena_printf(r->arena, "It is checked again%s%.*s", findings->mend.n ? "; " : "", STR_ARG(findings->mend));
    for (size_t i = 0; i < n; i++)
        if (findings[i].kind == FINDING_RECORD) row->helps = "Repair DNS";
}

static bool read_domains(struct reading *r, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        r->db, "SELECT d.name, d.workspace_id, w.name, c.findings, c.checked_ms, c.due_ms, c.dkim_reason,"
               " c.dkim_again_ms, c.dkim_tries, c.domain_id FROM domain_care c JOIN domains d ON d.id = c.domain_id"
               " JOIN workspaces w ON w.id = d.workspace_id WHERE (c.findings <> '' OR c.dkim_reason <> '')"
               " AND c.domain_id < $2 ORDER BY c.domain_id DESC LIMIT $1");
    stmt_int(stmt, 1, (int64_t)r->query->max + 1);
    stmt_text(stmt, 2, rows_before(id_before(r)));
    enum db_step step;
    for (size_t n = 0; (step = stmt_step(stmt, reterr)) == DB_ROW && has_room(r, WORK_DOMAIN, n); n++) {
        struct work_row *row = add(r);
        *row = (struct work_row){
            .kind = WORK_DOMAIN,
            .id = row_text(stmt, 0, r->arena),
            .place = {.id = row_text(stmt, 9, r->arena)},
            .workspace_id = row_text(stmt, 1, r->arena),
            .workspace = row_text(stmt, 2, r->arena),
            .what = row_text(stmt, 0, r->arena),
            .since_ms = stmt_col_int(stmt, 4),
            .next_ms = stmt_col_int(stmt, 5),
        };
        say_findings(r, row, row_text(stmt, 3, r->arena));
        if (row->why.n) continue;
        row->why = arena_printf(r->arena, "Its DKIM key could not be changed: %.*s", STR_ARG(stmt_col_text(stmt, 6)));
        row->next = STR("It is tried again; the key of before signs until then");
        row->next_ms = stmt_col_int(stmt, 7);
        row->attempts = stmt_col_int(stmt, 8);
    }
    stmt_done(stmt);
    return step != DB_FAIL;
}

/* ---- all of it ---- */

/* Of those that were read without it. */
static bool read_names(struct reading *r, struct error *reterr) {
    struct work_row *rows = r->rows.first;
    struct str *ids = ARENA_ARRAY(r->arena, r->rows.n, struct str);
    for (size_t i = 0; i < r->rows.n; i++) ids[i] = rows[i].workspace_id;
    struct stmt *stmt = db_stmt(r->db, "SELECT id, name FROM workspaces WHERE id IN (SELECT value FROM list($1))");
    stmt_list(stmt, 1, ids, r->rows.n);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct str id = stmt_col_text(stmt, 0), name = row_text(stmt, 1, r->arena);
        for (size_t i = 0; i < r->rows.n; i++)
            if (str_eq(rows[i].workspace_id, id)) rows[i].workspace = name;
    }
    return step == DB_END;
}

bool work_list(struct db *db, const struct work_query *query, struct arena *arena, struct work *ret,
               struct error *reterr) {
    static bool (*const read[WORK_KIND_END])(struct reading * r, struct error * reterr) = {
        [WORK_STEP] = read_steps,     [WORK_ORDER] = read_orders,     [WORK_RENEWAL] = read_renewals,
        [WORK_REFUND] = read_refunds, [WORK_WEBHOOK] = read_webhooks, [WORK_DOMAIN] = read_domains,
    };
    struct reading r = {.db = db, .query = query, .arena = arena, .rows = {.size = sizeof(struct work_row)}};
    for (size_t i = 0; i < WORK_KIND_END; i++)
        if (query->kinds & 1U << i && !read[i](&r, reterr)) return false;
    if (!read_names(&r, reterr)) return false;
    *ret = (struct work){.rows = r.rows.first, .n = r.rows.n, .more = r.more};
    return true;
}
