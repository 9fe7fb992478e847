#include "domain_check.h"

#include <stdio.h>

#include "commands.h"
#include "setup.h"
#include "step/care.h"
#include "table.h"

void domain_print_findings(struct str findings, struct arena *arena) {
    struct finding *all;
    size_t n;
    findings_read(findings, arena, &all, &n);
    for (size_t i = 0; i < n; i++) {
        const struct str pairs[] = {
            STR("finding"), all[i].subject, STR("  wanted"), all[i].wanted,
            STR("  seen"),  all[i].seen,    STR("  to do"),  all[i].mend,
        };
        putchar('\n');
        table_print_pairs(pairs, ARRAY_LEN(pairs) / 2, stdout);
    }
}

/* ---- the check ---- */

struct claiming {
    struct str name, settings;
    int64_t now_ms, lease_until_ms;
    struct arena *arena;
    struct care care;
    bool held;
};

static bool claim_change(struct db *db, void *arg, struct error *reterr) {
    struct claiming *c = arg;
    return care_settings_match(db, c->settings, reterr) &&
           care_claim_check(db, c->name, c->now_ms, c->lease_until_ms, c->arena, &c->care, &c->held, reterr);
}

/* What is due next is for the server to know: its settings may be others. */
static struct world world_of(const struct invocation *invocation) {
    struct setup *setup = invocation->setup;
    const struct settings *settings = invocation->settings;
    return (struct world){
        .clock = &setup->clock,
        .rng = &setup->rng,
        .ids = &setup->ids,
        .store = setup->store,
        .drivers = &setup->drivers,
        .vault = &setup->vault,
        .edge = {.ipv4 = str_of(settings->web_address), .ipv6 = str_of(settings->web_address6)},
        .check_ms = -1,
        .retry_base_ms = settings->retry_base_ms,
        .retry_max_ms = settings->retry_max_ms,
        .lease_ms = settings->lease_ms,
    };
}

static struct str values(const struct rrset *set, const struct rrset *wanted, struct arena *arena) {
    if (wanted && wanted->n_data && rrset_is_seen(wanted, set)) return STR("as wanted");
    struct str text = STR("");
    for (size_t i = 0; i < set->n_data; i++)
        text = arena_printf(arena, "%.*s%s%.*s", STR_ARG(text), i ? " | " : "", STR_ARG(set->data[i]));
    return text;
}

static void add_part(struct table *table, enum zone_part part, const struct zone_report *report, struct arena *arena) {
    for (size_t i = 0; i < report->n; i++) {
        const struct zone_report_line *line = &report->lines[i];
        table_add(table, (const struct str[]){
                             str_of(zone_part_names[part]),
                             str_of(zone_state_names[line->state]),
                             str_of(line->wanted.type),
                             line->wanted.name,
                             values(&line->served, &line->wanted, arena),
                             values(&line->seen, &line->wanted, arena),
                             values(&line->wanted, NULL, arena),
                         });
    }
}

static void print_report(const struct care_report *report, struct arena *arena) {
    static const char *const records[] = {"PART", "STATE", "TYPE", "NAME", "SERVED", "SEEN", "WANTED", NULL};
    static const char *const mailboxes[] = {"MAILBOX", "STATE", "REASON", NULL};
    static const char *const states[] = {
        [OUTCOME_DONE] = "ok", [OUTCOME_REFUSED] = "broken", [OUTCOME_UNKNOWN] = "unknown"};
    struct table *table = table_create(arena, records);
    for (int part = 0; part < ZONE_PART_END; part++) add_part(table, (enum zone_part)part, &report->parts[part], arena);
    table_print(table, stdout);
    table = table_create(arena, mailboxes);
    for (size_t i = 0; i < report->n_mailboxes; i++) {
        const struct care_mailbox_seen *seen = &report->mailboxes[i];
        table_add(table, (const struct str[]){seen->email, str_of(states[seen->outcome]), seen->reason});
    }
    putchar('\n');
    table_print(table, stdout);
}

bool run_domain_check(const struct invocation *invocation, struct error *reterr) {
    struct arena *arena = invocation->arena;
    struct world world = world_of(invocation);
    struct claiming claiming = {
        .name = str_of(invocation_value(invocation, "domain")),
        .settings = settings_outside(invocation->settings, arena),
        .now_ms = clock_now(world.clock),
        .lease_until_ms = clock_now(world.clock) + world.lease_ms,
        .arena = arena,
    };
    struct care_report report;
    bool stale = true;
    if (!store_write(world.store, claim_change, &claiming, reterr) ||
        !care_look(&world, &claiming.care, arena, &report, reterr) ||
        (claiming.held && !care_keep(&world, &claiming.care, &report, &stale, reterr)))
        return false;
    print_report(&report, arena);
    domain_print_findings(findings_write(report.findings, report.n_findings, arena), arena);
    if (stale) fputs("\nnot kept: the server is at this domain just now\n", stderr);
    return !report.n_findings ||
           error_set(reterr, ERR_CONFLICT, "%.*s: %zu findings", STR_ARG(claiming.name), report.n_findings);
}
