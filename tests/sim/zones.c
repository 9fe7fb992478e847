#include "zones.h"

#include <string.h>

#include "driver/dns/dns.h"
#include "inside.h"
#include "step/mend.h"
#include "store/zone_parts.h"

static uint32_t draw(struct run *run, uint32_t below) {
    return rng_below(&run->rng, below);
}

/* What the DNS host serves of SETS, told by its own book. */
static bool serves(struct run *run, struct str zone, struct rrsets sets, struct arena *arena, struct rrsets *ret) {
    struct dns_zone seen;
    if (dns_fetch(hostile_real(run->hostile)->dns, zone, sets.sets, sets.n, arena, &seen, NULL) != OUTCOME_DONE)
        return false;
    *ret = seen.served;
    return seen.state == DNS_ZONE_OURS;
}

/* ---- changes by hand ---- */

/* Where, and the value around a number. */
static const struct {
    const char *prefix, *type, *before, *after;
    bool is_harmless;
} records[] = {
    {"", "MX", "5 hand", ".test.", false},
    {"", "TXT", "v=spf1 include:hand", ".test -all", false},
    {"", "TXT", "hand=", "", true},
    {"_dmarc.", "TXT", "v=DMARC1; p=none; pct=", "", false},
    {"", "A", "198.51.100.", "", false},
    {"www.", "A", "198.51.100.", "", false},
    {"www.", "CNAME", "hand", ".test.", false},
};

static bool read_leave(struct db *db, void *arg, struct error *reterr) {
    struct hand *hand = arg;
    struct stmt *stmt = db_stmt(db, "SELECT 1 FROM zone_parts z JOIN domains d ON d.id = z.domain_id"
                                    " WHERE d.name = $1 AND d.active = 1 AND z.overwrite = 1");
    stmt_text(stmt, 1, hand->zone);
    enum db_step step = stmt_step(stmt, reterr);
    hand->is_allowed = step == DB_ROW;
    stmt_done(stmt);
    return step != DB_FAIL;
}

static bool is_at(const struct hand *hand, const struct rrset *set) {
    return str_eq(hand->name, set->name) && strcmp(hand->type, set->type) == 0;
}

/* What was put there before is there no longer; of texts, unless ALL, only the same one. */
static void forget_hands(struct run *run, const struct rrset *set, struct str value, bool all) {
    for (size_t i = 0; i < run->n_hands;)
        if (is_at(&run->hands[i], set) && (all || str_eq(run->hands[i].value, value)))
            run->hands[i] = run->hands[--run->n_hands];
        else
            i++;
}

static bool replace(struct run *run, struct str zone, const struct rrset *was, const struct rrset *to) {
    const struct zone_change change = {.was = *was, .to = *to};
    run->totals->counts.by_hand++;
    return dns_change(hostile_real(run->hostile)->dns, zone, &change, 1, NULL) == OUTCOME_DONE;
}

/* A text comes beside what is there, anything else in its place. */
static void put(struct run *run, struct hand *hand, const struct rrset *was, struct arena *arena) {
    struct rrset set = *was;
    struct error error;
    bool is_text = strcmp(hand->type, "TXT") == 0;
    if (run->n_hands == HANDS_MAX) return;
    /* While the process is down it may be about to use its leave. */
    hand->is_allowed = true;
    if (run->store && !crashfs_is_off(run->fs) && !store_read(run->store, read_leave, hand, &error)) return;
    set.ttl = 600;
    set.n_data = 0;
    set.data = ARENA_ARRAY(arena, was->n_data + 1, struct str);
    for (size_t i = 0; i < was->n_data && is_text; i++)
        if (!str_eq(was->data[i], hand->value)) set.data[set.n_data++] = was->data[i];
    set.data[set.n_data++] = hand->value;
    if (!replace(run, hand->zone, was, &set)) return;
    history_add(run->history, "by hand: %.*s %s gets \"%.*s\"", STR_ARG(hand->name), hand->type, STR_ARG(hand->value));
    forget_hands(run, &set, hand->value, !is_text);
    hand->name = arena_str(run->arena, hand->name);
    hand->value = arena_str(run->arena, hand->value);
    run->hands[run->n_hands++] = *hand;
}

/* It then looks as if it had never been there, which may be what dfyd left: nothing is expected of it. */
static void take_away(struct run *run, const struct hand *hand, const struct rrset *was) {
    struct rrset none = {.name = was->name, .type = was->type};
    if (!was->n_data || !replace(run, hand->zone, was, &none)) return;
    history_add(run->history, "by hand: %.*s %s is taken away", STR_ARG(was->name), was->type);
    forget_hands(run, was, STR(""), true);
}

/* The index of a name that has a zone, if one has. */
static size_t any_zone(struct run *run) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    const struct rrsets nothing = {0};
    struct rrsets ignored;
    size_t first = draw(run, (uint32_t)run->n_names), at = first;
    for (size_t i = 0; i < run->n_names; i++) {
        at = (first + i) % run->n_names;
        if (serves(run, run->names[at], nothing, arena, &ignored)) break;
    }
    return at;
}

void zones_change_by_hand(struct run *run) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    size_t at = any_zone(run), i = draw(run, (uint32_t)ARRAY_LEN(records));
    bool is_removal = run_happens(run, 150);
    struct hand hand = {.zone = run->names[at], .type = records[i].type, .is_harmless = records[i].is_harmless};
    hand.name = arena_printf(arena, "%s%.*s", records[i].prefix, STR_ARG(hand.zone));
    hand.value = arena_printf(arena, "%s%u%s", records[i].before, 1 + draw(run, 200), records[i].after);
    struct rrset set = {.name = hand.name, .type = hand.type};
    struct rrsets was;
    if (!serves(run, hand.zone, (struct rrsets){&set, 1}, arena, &was)) return;
    run->is_touched[at] = true;
    if (is_removal)
        take_away(run, &hand, was.sets);
    else
        put(run, &hand, was.sets, arena);
}

/* ---- repair ---- */

struct repair {
    struct str zone;
    int64_t now_ms;
};

static bool repair_change(struct db *db, void *arg, struct error *reterr) {
    const struct repair *repair = arg;
    return zone_parts_repair(db, repair->zone, repair->now_ms, reterr);
}

/* What was changed by hand so far may go: the repair was written, or may have been. */
static void allow(struct run *run, struct str zone) {
    for (size_t i = 0; i < run->n_hands; i++)
        if (str_eq(run->hands[i].zone, zone)) run->hands[i].is_allowed = true;
}

static void repair_zone(struct run *run, size_t at) {
    struct str zone = run->names[at];
    struct repair repair = {.zone = zone, .now_ms = clock_now(&run->clock)};
    struct error error = {0};
    bool ok = store_write(run->store, repair_change, &repair, &error);
    history_add(run->history, "operator: repairs %.*s%s%s", STR_ARG(zone), ok ? "" : ": ", error.message);
    bool is_refused = error.code == ERR_NOT_FOUND || error.code == ERR_CONFLICT;
    run->is_touched[at] &= !ok && !is_refused;
    if (!is_refused) allow(run, zone);
}

bool zones_repair_own(struct run *run, struct str workspace_id, size_t at, struct error *reterr) {
    const struct actor nobody = {STR(""), STR(""), STR("")};
    bool ok = domain_repair(&run->world, workspace_id, run->names[at], nobody, reterr);
    if (ok) run->is_touched[at] = false;
    if (ok || (reterr->code != ERR_NOT_FOUND && reterr->code != ERR_CONFLICT)) allow(run, run->names[at]);
    return ok;
}

void zones_repair(struct run *run, bool all) {
    if (!run->store) return;
    size_t only = draw(run, (uint32_t)run->n_names);
    for (size_t i = 0; i < run->n_names && !run_is_dead(run); i++)
        if (all ? run->is_touched[i] : i == only) repair_zone(run, i);
}

/* ---- what must be true ---- */

void zones_check_hands(struct run *run) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    for (size_t i = 0; i < run->n_hands; i++) {
        const struct hand *hand = &run->hands[i];
        struct rrset set = {.name = hand->name, .type = hand->type};
        struct rrsets now;
        if (hand->is_allowed && !hand->is_harmless) continue;
        bool is_there = serves(run, hand->zone, (struct rrsets){&set, 1}, arena, &now) && now.sets->n_data;
        bool is_kept = false;
        for (size_t k = 0; is_there && k < now.sets->n_data; k++) is_kept |= str_eq(now.sets->data[k], hand->value);
        if (!is_kept)
            model_break(&run->model, "%.*s %s was changed to \"%.*s\" by hand, and nobody asked to change that",
                        STR_ARG(hand->name), hand->type, STR_ARG(hand->value));
    }
}

bool zones_check_part(struct db *db, struct run *run, const struct domain_row *domain, const struct zone_job *job,
                      struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    const char *name = zone_part_names[job->part];
    struct world outside = run->world;
    struct drivers drivers = *hostile_real(run->hostile);
    struct zone_part_row row;
    struct rrsets wanted, published, served;
    struct zone_plan plan;
    outside.drivers = &drivers;
    if (zone_wanted(&outside, job, arena, &wanted, NULL) != OUTCOME_DONE)
        return error_set(reterr, ERR_INTERNAL, "nobody knows the %s records of %.*s", name, STR_ARG(domain->name));
    if (!zone_part_get(db, domain->id, job->part, arena, &row, reterr)) return false;
    /* A refusal may follow on something that had no answer. */
    struct str subject = arena_printf(arena, "%.*s/%s", STR_ARG(domain->name), name);
    row.is_begun &= !hostile_refused(run->hostile, HOSTILE_DNS, subject);
    if (!row.exists || row.is_begun || row.overwrite)
        model_break(&run->model, "the %s records of %.*s %s", name, STR_ARG(domain->name),
                    !row.exists     ? "stand in no book"
                    : row.overwrite ? "have a leave to overwrite that is not used up"
                                    : "are changed without end");
    if (!zone_read(row.published, arena, &published, reterr)) return false;
    if (!str_eq(zone_write(wanted, arena), row.published))
        model_break(&run->model, "the %s records of %.*s are not published as they are wanted", name,
                    STR_ARG(domain->name));
    struct rrsets names = zone_names(wanted, &published, 1, arena);
    if (!serves(run, domain->name, names, arena, &served)) {
        if (row.published.n) model_break(&run->model, "there is no zone %.*s", STR_ARG(domain->name));
        return true;
    }
    if (!zone_plan(wanted, &published, 1, served, false, arena, &plan, reterr)) return false;
    if (plan.n_by_hand || plan.n_changes)
        model_break(&run->model, "the %s records of %.*s are not served as they are published: %.*s", name,
                    STR_ARG(domain->name), STR_ARG(plan.by_hand));
    return true;
}
