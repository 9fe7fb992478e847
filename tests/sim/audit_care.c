/* The care for domains: what signs can be verified, rotations go forwards, and end. */
#include <stdio.h>

#include "core/dkim.h"
#include "inside.h"

struct looking {
    struct run *run;
    bool is_quiet;
};

/* A move that is never made was refused: by the mail host, or its records by the DNS host. */
static bool was_refused(const struct run *run, struct str domain, int64_t rotation, const char *phase) {
    char text[300];
    int n = snprintf(text, sizeof text, "%.*s/key %lld %s", STR_ARG(domain), (long long)rotation, phase);
    if (hostile_refused(run->hostile, HOSTILE_MAILBOX, (struct str){text, (size_t)n})) return true;
    n = snprintf(text, sizeof text, "%.*s/mail", STR_ARG(domain));
    return hostile_refused(run->hostile, HOSTILE_DNS, (struct str){text, (size_t)n});
}

static void check_row(const struct looking *l, struct stmt *stmt) {
    struct run *run = l->run;
    struct str domain = stmt_col_text(stmt, 0), word = stmt_col_text(stmt, 2);
    int64_t rotation = stmt_col_int(stmt, 1);
    size_t phase = 0;
    while (phase < DKIM_PHASE_END - 1 && !str_is(word, dkim_phase_names[phase])) phase++;
    if (hostile_keys(run->hostile, domain) > (rotation - 1) * DKIM_PHASE_END + (int64_t)phase)
        model_break(&run->model, "the keys of %.*s are further than %s of %lld, and dfyd does not know it",
                    STR_ARG(domain), dkim_phase_names[phase], (long long)rotation);
    bool is_made = stmt_col_int(stmt, 3) != 0;
    if (l->is_quiet && !is_made && !was_refused(run, domain, rotation, dkim_phase_names[phase]))
        model_break(&run->model, "the keys of %.*s never get to %s of %lld: %.*s", STR_ARG(domain),
                    dkim_phase_names[phase], (long long)rotation, STR_ARG(stmt_col_text(stmt, 4)));
}

static bool look(struct db *db, void *arg, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT d.name, c.dkim_rotation, c.dkim_phase, c.dkim_since_ms, c.dkim_reason"
                                    " FROM domain_care c JOIN domains d ON d.id = c.domain_id"
                                    " WHERE c.dkim_rotation > 0");
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) check_row(arg, stmt);
    return step == DB_END;
}

void audit_care(struct run *run, bool is_quiet) {
    struct looking looking = {run, is_quiet};
    struct error error = {0};
    struct str fault = hostile_keys_fault(run->hostile);
    if (fault.n) model_break(&run->model, "%.*s", STR_ARG(fault));
    int64_t moves = hostile_key_moves(run->hostile);
    if (!is_quiet && moves == run->audited_moves) return;
    run->audited_moves = moves;
    if (!store_read(run->store, look, &looking, &error))
        model_break(&run->model, "the database cannot be read: %s", error.message);
}
