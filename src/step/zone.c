#include "step/zone.h"

#include "base/buf.h"
#include "driver/dns/dns.h"
#include "driver/mailbox/mailbox.h"
#include "driver/resolver/resolver.h"
#include "store/zone_parts.h"

enum { BEGUN_MAX = 1 << 20 };

/* ---- what is wanted ---- */

static enum outcome mail_wanted(const struct world *world, const struct zone_job *job, struct arena *arena,
                                struct rrsets *ret, struct rrsets *ret_before, struct answer *answer) {
    struct mail_facts facts;
    enum outcome outcome =
        mailbox_mail_facts(world->drivers->mailbox, job->domain, job->provider, arena, &facts, answer);
    if (outcome != OUTCOME_DONE) return outcome;
    records_mail(job->domain, &facts, &world->edge, arena, &ret->sets, &ret->n);
    facts.reports = facts.mta_sts_id = STR("");
    facts.imap = facts.submission = (struct mail_service){0};
    records_mail(job->domain, &facts, NULL, arena, &ret_before->sets, &ret_before->n);
    return OUTCOME_DONE;
}

/* *ret_before: what was published before there was a book of it. */
static enum outcome wanted_of(const struct world *world, const struct zone_job *job, struct arena *arena,
                              struct rrsets *ret, struct rrsets *ret_before, struct answer *answer) {
    if (job->part == ZONE_MAIL) return mail_wanted(world, job, arena, ret, ret_before, answer);
    records_web(job->domain, job->forwards ? &world->edge : NULL, arena, &ret->sets, &ret->n);
    records_web(job->domain, &world->edge, arena, &ret_before->sets, &ret_before->n);
    return OUTCOME_DONE;
}

enum outcome zone_wanted(const struct world *world, const struct zone_job *job, struct arena *arena, struct rrsets *ret,
                         struct answer *answer) {
    struct rrsets before;
    return wanted_of(world, job, arena, ret, &before, answer);
}

/* ---- the book ---- */

struct reading {
    const struct zone_job *job;
    struct arena *arena;
    struct zone_part_row row;
};

static bool read_row(struct db *db, void *arg, struct error *reterr) {
    struct reading *r = arg;
    return zone_part_get(db, r->job->domain_id, r->job->part, r->arena, &r->row, reterr);
}

struct writing {
    const struct zone_job *job;
    const struct zone_part_row *seen, *to;
    bool is_stale; /* others went on meanwhile: nothing was written */
};

static bool write_row(struct db *db, void *arg, struct error *reterr) {
    struct writing *w = arg;
    bool held = true;
    if (w->to->is_begun && w->job->is_held && !w->job->is_held(db, w->job->holder, &held, reterr)) return false;
    w->is_stale = !held;
    return !held || zone_part_put(db, w->job->domain_id, w->job->part, w->seen, w->to, &w->is_stale, reterr);
}

static enum outcome put_row(const struct world *world, const struct zone_job *job, const struct zone_part_row *seen,
                            const struct zone_part_row *to, struct answer *answer) {
    struct writing writing = {.job = job, .seen = seen, .to = to};
    struct error error = {0};
    if (!store_claim(world->store, write_row, &writing, &error))
        return answer_set(answer, OUTCOME_UNKNOWN, "%s", error.message);
    if (writing.is_stale) return answer_set(answer, OUTCOME_UNKNOWN, "others changed this zone meanwhile");
    return OUTCOME_DONE;
}

/* The first state of what has begun, a text of RRsets; *text goes on to the next one. */
static struct str cut_state(struct str *text) {
    struct str state = {text->p, 0}, rest = *text;
    while (rest.n) {
        struct str line = str_cut(rest, '\n', &rest);
        if (!line.n) break;
        state.n += line.n + 1;
    }
    *text = rest;
    return state;
}

static bool has_begun(const struct zone_part_row *row, struct str state) {
    struct str rest = row->begun;
    while (rest.n)
        if (str_eq(cut_state(&rest), state)) return true;
    return false;
}

/* SEEN, with STATE begun. */
static struct zone_part_row begin_state(const struct zone_part_row *seen, struct str state, struct arena *arena) {
    struct zone_part_row row = *seen;
    row.is_begun = true;
    if (has_begun(seen, state)) return row;
    struct buf text;
    buf_init(&text, BEGUN_MAX);
    buf_add(&text, seen->begun);
    buf_add(&text, state);
    BUF_LIT(&text, "\n");
    row.begun = arena_str(arena, buf_str(&text));
    buf_finish(&text);
    return row;
}

/* ---- what is known of a part ---- */

struct known {
    struct zone_part_row row;
    struct rrsets wanted;
    struct rrsets *before; /* every state that dfyd may have left behind */
    size_t n_before;
    struct dns_zone zone; /* as it is served */
};

static bool add_state(struct known *known, struct str text, struct arena *arena, struct error *reterr) {
    return zone_read(text, arena, &known->before[known->n_before++], reterr);
}

static bool add_states(struct known *known, struct rrsets before_books, struct arena *arena, struct error *reterr) {
    size_t most = 2;
    for (struct str rest = known->row.begun; rest.n; most++) cut_state(&rest);
    known->before = ARENA_ARRAY(arena, most, struct rrsets);
    if (!add_state(known, known->row.published, arena, reterr)) return false;
    if (!known->row.exists) known->before[known->n_before++] = before_books;
    for (struct str rest = known->row.begun; rest.n;)
        if (!add_state(known, cut_state(&rest), arena, reterr)) return false;
    return true;
}

/* Of a part without a book: what is served as it was published then counts as dfyd's own. */
static void keep_served(struct rrsets *before, struct rrsets served) {
    size_t n = 0;
    for (size_t i = 0; i < before->n; i++) {
        const struct rrset *set = &before->sets[i];
        bool is_own = false;
        for (size_t k = 0; k < served.n && set->n_data; k++)
            is_own |= str_eq(served.sets[k].name, set->name) && str_is(str_of(served.sets[k].type), set->type) &&
                      rrset_is_seen(set, &served.sets[k]);
        if (is_own) before->sets[n++] = *set;
    }
    before->n = n;
}

/*
 * The book is read first and asked for last (put_row): so what is wanted, and what is served, is never older than the
 * book that a change of it is written into, and of two who are at it at once the one with old facts is sent away.
 */
static bool know(const struct world *world, const struct zone_job *job, struct arena *arena, struct known *ret,
                 enum outcome *ret_outcome, struct answer *answer, struct error *reterr) {
    struct reading reading = {.job = job, .arena = arena};
    struct rrsets before;
    if (!store_read(world->store, read_row, &reading, reterr)) return false;
    *ret = (struct known){.row = reading.row};
    *ret_outcome = wanted_of(world, job, arena, &ret->wanted, &before, answer);
    if (*ret_outcome != OUTCOME_DONE) return true;
    if (!add_states(ret, before, arena, reterr)) return false;
    struct rrsets names = zone_names(ret->wanted, ret->before, ret->n_before, arena);
    *ret_outcome = dns_fetch(world->drivers->dns, job->domain, names.sets, names.n, arena, &ret->zone, answer);
    if (*ret_outcome == OUTCOME_REFUSED) *ret_outcome = OUTCOME_UNKNOWN; /* only asked: nothing was refused */
    if (*ret_outcome == OUTCOME_DONE && !ret->row.exists) keep_served(&ret->before[1], ret->zone.served);
    return true;
}

/* ---- a resolver ---- */

/* SEEN gets what a resolver has of WANTED. */
static enum outcome ask(const struct world *world, const struct rrset *wanted, struct arena *arena, struct rrset *seen,
                        struct answer *answer) {
    struct answer why = {0};
    enum outcome outcome = resolver_ask(world->drivers->resolver, wanted->name, wanted->type, arena, seen, &why);
    if (outcome == OUTCOME_DONE) return outcome;
    return answer_set(answer, OUTCOME_UNKNOWN, "the resolver gave no answer about %.*s %s: %s", STR_ARG(wanted->name),
                      wanted->type, why.reason);
}

static enum outcome is_seen(const struct world *world, struct rrsets wanted, struct arena *arena,
                            struct answer *answer) {
    for (size_t i = 0; i < wanted.n; i++) {
        struct rrsets want = {&wanted.sets[i], 1};
        struct rrset seen;
        if (!want.sets->n_data) continue;
        enum outcome outcome = ask(world, want.sets, arena, &seen, answer);
        if (outcome != OUTCOME_DONE) return outcome;
        struct str missing = zone_not_seen(want, (struct rrsets){&seen, 1}, arena);
        if (missing.n) return answer_set(answer, OUTCOME_UNKNOWN, "%.*s", STR_ARG(missing));
    }
    return OUTCOME_DONE;
}

/* ---- a change ---- */

/*
 * What to tell the DNS host. After a change that may still be on its way the RRsets that are as they should be are
 * published once more, as they are: only then nothing earlier can come late and undo this one (driver/dns/dns.h).
 */
static size_t gather_changes(const struct zone_plan *plan, bool is_begun, struct arena *arena,
                             struct zone_change **ret) {
    size_t n = plan->n_changes;
    struct zone_change *changes = ARENA_ARRAY(arena, plan->n_changes + plan->n_lines, struct zone_change);
    for (size_t i = 0; i < n; i++) changes[i] = plan->changes[i];
    for (size_t i = 0; i < plan->n_lines && is_begun; i++)
        if (plan->lines[i].state == ZONE_SAME)
            changes[n++] = (struct zone_change){.was = plan->lines[i].served, .to = plan->lines[i].served};
    *ret = changes;
    return n;
}

static enum outcome publish(const struct world *world, const struct zone_job *job, const struct known *known,
                            const struct zone_plan *plan, struct arena *arena, struct answer *answer) {
    const struct zone_part_row *seen = &known->row;
    const struct zone_part_row published = {.published = zone_write(known->wanted, arena)};
    struct zone_change *changes;
    size_t n = gather_changes(plan, seen->is_begun, arena, &changes);
    struct zone_part_row begun = *seen, before = *seen;
    if (n) {
        if (!seen->exists) before.published = zone_write(known->before[1], arena);
        begun = begin_state(&before, published.published, arena);
        enum outcome outcome = put_row(world, job, seen, &begun, answer);
        if (outcome != OUTCOME_DONE) return outcome;
        begun.exists = true;
        world_reached(world, "zone.intended");
        outcome = dns_change(world->drivers->dns, job->domain, changes, n, answer);
        /* Refused: it is as it was, unless an earlier change may still be on its way. */
        if (outcome == OUTCOME_REFUSED && !seen->is_begun) put_row(world, job, &begun, &before, NULL);
        if (outcome != OUTCOME_DONE) return outcome;
        world_reached(world, "zone.changed");
    }
    bool is_written =
        begun.exists && !begun.is_begun && !begun.overwrite && str_eq(begun.published, published.published);
    if (is_written) return OUTCOME_DONE;
    enum outcome outcome = put_row(world, job, &begun, &published, answer);
    if (outcome == OUTCOME_DONE) world_reached(world, "zone.recorded");
    return outcome;
}

/* Somebody else has been at the zone: a person has to decide. */
static enum outcome leave_alone(const struct zone_job *job, const struct dns_zone *zone, const struct zone_plan *plan,
                                struct answer *answer) {
    if (zone->state == DNS_ZONE_MISSING)
        return answer_set(answer, OUTCOME_UNKNOWN,
                          "the DNS host has no zone %.*s any more; `dfyd domain repair %.*s` publishes it again",
                          STR_ARG(job->domain), STR_ARG(job->domain));
    return answer_set(answer, OUTCOME_UNKNOWN, "%.*s; `dfyd domain repair %.*s` changes it back",
                      STR_ARG(plan->by_hand), STR_ARG(job->domain));
}

static enum outcome foreign(const struct zone_job *job, struct answer *answer) {
    return answer_set(answer, OUTCOME_UNKNOWN,
                      "the DNS host has a zone %.*s that is not dfyd's, and nothing in it is changed: remove it there,"
                      " or give it to dfyd",
                      STR_ARG(job->domain));
}

/* What is in use is not given up. Of a domain that is, its mail is; a forwarding that was never published is not. */
static enum outcome refuse_new(const struct zone_job *job, const struct zone_part_row *row, enum outcome outcome) {
    bool is_in_use = row->published.n || (job->is_in_use && job->part == ZONE_MAIL);
    return outcome == OUTCOME_REFUSED && is_in_use && !job->is_change ? OUTCOME_UNKNOWN : outcome;
}

enum outcome zone_sync(const struct world *world, const struct zone_job *job, struct arena *arena,
                       struct answer *answer) {
    struct known known;
    struct zone_plan plan;
    struct error error = {0};
    enum outcome outcome;
    if (!know(world, job, arena, &known, &outcome, answer, &error))
        return answer_set(answer, OUTCOME_UNKNOWN, "%s", error.message);
    world_reached(world, "step.looked");
    if (outcome != OUTCOME_DONE) return refuse_new(job, &known.row, outcome);
    if (known.zone.state == DNS_ZONE_FOREIGN) return foreign(job, answer);
    bool overwrite = known.row.overwrite || WORLD_PLANTED(world, PLANT_OVERWRITE);
    if (!zone_plan(known.wanted, known.before, known.n_before, known.zone.served, overwrite, arena, &plan, &error))
        return answer_set(answer, OUTCOME_UNKNOWN, "%s", error.message);
    if (plan.n_by_hand) return leave_alone(job, &known.zone, &plan, answer);
    outcome = refuse_new(job, &known.row, publish(world, job, &known, &plan, arena, answer));
    if (outcome != OUTCOME_DONE || job->is_change) return outcome;
    return is_seen(world, known.wanted, arena, answer);
}

/* ---- a report ---- */

const char *const zone_state_names[ZONE_STATE_END] = {
    [ZONE_STATE_OK] = "ok",           [ZONE_STATE_MISSING] = "missing", [ZONE_STATE_DIFFERENT] = "different",
    [ZONE_STATE_BY_HAND] = "by_hand", [ZONE_STATE_UNKNOWN] = "unknown",
};

static void set_line(struct zone_report_line *line, enum zone_state state, struct str reason) {
    line->state = state;
    line->reason = reason;
}

/* What the server has is not as it should be. */
static void judge_served(struct zone_report_line *line, enum zone_line_state state, struct str domain,
                         struct arena *arena) {
    if (state == ZONE_SAME) return;
    if (state == ZONE_BY_HAND)
        set_line(line, ZONE_STATE_BY_HAND,
                 arena_printf(arena, "changed by hand; `dfyd domain repair %.*s` changes it back", STR_ARG(domain)));
    else if (!line->served.n_data)
        set_line(line, ZONE_STATE_MISSING, STR("not published yet"));
    else
        set_line(line, ZONE_STATE_DIFFERENT, STR("to be changed"));
}

/* A resolver that does not answer is not asked again for every line. */
static void judge_seen(const struct world *world, struct zone_report_line *line, struct answer *silence,
                       struct arena *arena) {
    bool is_judged = line->state != ZONE_STATE_OK;
    line->seen = (struct rrset){.name = line->wanted.name, .type = line->wanted.type};
    line->is_seen_known = !silence->reason[0] && ask(world, &line->wanted, arena, &line->seen, silence) == OUTCOME_DONE;
    if (is_judged) return;
    if (!line->is_seen_known) {
        set_line(line, ZONE_STATE_UNKNOWN, arena_str(arena, str_of(silence->reason)));
    } else if (!rrset_is_seen(&line->wanted, &line->seen)) {
        if (line->seen.n_data)
            set_line(line, ZONE_STATE_DIFFERENT, STR("a resolver still sees another one"));
        else
            set_line(line, ZONE_STATE_MISSING, STR("a resolver does not see it yet"));
    }
}

/* Nobody could say what is served: only what is wanted can be shown, and what is seen of it. */
static void without_server(struct rrsets wanted, struct arena *arena, struct zone_report *report) {
    report->lines = ARENA_ARRAY(arena, wanted.n, struct zone_report_line);
    for (size_t i = 0; i < wanted.n; i++) {
        if (!wanted.sets[i].n_data) continue;
        struct zone_report_line *line = &report->lines[report->n++];
        line->wanted = line->served = wanted.sets[i];
        line->served.n_data = 0;
        set_line(line, ZONE_STATE_UNKNOWN, report->reason);
    }
}

static void with_server(const struct zone_job *job, const struct zone_plan *plan, struct arena *arena,
                        struct zone_report *report) {
    report->lines = ARENA_ARRAY(arena, plan->n_lines, struct zone_report_line);
    for (size_t i = 0; i < plan->n_lines; i++) {
        struct zone_report_line *line = &report->lines[report->n++];
        *line = (struct zone_report_line){
            .wanted = plan->lines[i].wanted, .served = plan->lines[i].served, .is_served_known = true};
        judge_served(line, plan->lines[i].state, job->domain, arena);
    }
}

bool zone_look(const struct world *world, const struct zone_job *job, struct arena *arena, struct zone_report *ret,
               struct error *reterr) {
    struct known known;
    struct zone_plan plan;
    struct answer answer = {0};
    enum outcome outcome;
    *ret = (struct zone_report){.n = 0};
    if (!know(world, job, arena, &known, &outcome, &answer, reterr)) return false;
    if (outcome == OUTCOME_DONE && known.zone.state == DNS_ZONE_FOREIGN) outcome = foreign(job, &answer);
    if (outcome == OUTCOME_DONE) {
        if (!zone_plan(known.wanted, known.before, known.n_before, known.zone.served, false, arena, &plan, reterr))
            return false;
        with_server(job, &plan, arena, ret);
    } else {
        ret->reason = arena_str(arena, str_of(answer.reason));
        without_server(known.wanted, arena, ret);
    }
    struct answer silence = {0};
    for (size_t i = 0; i < ret->n; i++) {
        judge_seen(world, &ret->lines[i], &silence, arena);
        ret->n_not_ok += ret->lines[i].state != ZONE_STATE_OK;
    }
    return true;
}
