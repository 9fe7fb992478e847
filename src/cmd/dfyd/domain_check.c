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

/* Beside the domain's own name, as hosts of DNS show it: "@", "_dmarc". */
static struct str short_name(struct str name, struct str domain) {
    if (str_eq(name, domain)) return STR("@");
    return name.n > domain.n ? (struct str){name.p, name.n - domain.n - 1} : name;
}

static struct str values(const struct rrset *set, struct arena *arena) {
    struct str text = STR("");
    for (size_t i = 0; i < set->n_data; i++)
        text = arena_printf(arena, "%.*s%s%.*s", STR_ARG(text), i ? " | " : "", STR_ARG(set->data[i]));
    return text;
}

/* What is there instead of what is wanted; in short on a terminal, for the findings have it in full. */
static struct str compared(const struct rrset *set, bool is_known, const struct rrset *wanted, struct arena *arena) {
    enum { SHORT_OF = 8 }; /* that part of the terminal's width */
    if (!is_known) return STR("?");
    if (wanted->n_data && rrset_is_seen(wanted, set)) return STR("same");
    struct str text = values(set, arena);
    size_t columns = table_terminal_width(stdout);
    return columns ? table_cut(text, columns / SHORT_OF, arena) : text;
}

static void add_part(struct table *table, enum zone_part part, const struct zone_report *report, struct str domain,
                     struct arena *arena) {
    for (size_t i = 0; i < report->n; i++) {
        const struct zone_report_line *line = &report->lines[i];
        table_add(table, (const struct str[]){
                             str_of(zone_part_names[part]),
                             str_of(zone_state_names[line->state]),
                             str_of(line->wanted.type),
                             short_name(line->wanted.name, domain),
                             compared(&line->served, line->is_served_known, &line->wanted, arena),
                             compared(&line->seen, line->is_seen_known, &line->wanted, arena),
                             values(&line->wanted, arena),
                         });
    }
}

static void print_report(const struct care_report *report, struct str domain, struct arena *arena) {
    static const char *const records[] = {"PART", "STATE", "TYPE", "NAME", "SERVED", "SEEN", "WANTED", NULL};
    static const char *const mailboxes[] = {"MAILBOX", "STATE", "REASON", NULL};
    static const char *const states[] = {
        [OUTCOME_DONE] = "ok", [OUTCOME_REFUSED] = "broken", [OUTCOME_UNKNOWN] = "unknown"};
    struct table *table = table_create(arena, records);
    for (int part = 0; part < ZONE_PART_END; part++)
        add_part(table, (enum zone_part)part, &report->parts[part], domain, arena);
    table_print_cut(table, stdout);
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
    print_report(&report, claiming.care.domain, arena);
    domain_print_findings(findings_write(report.findings, report.n_findings, arena), arena);
    if (stale) fputs("\nnot kept: the server is at this domain just now\n", stderr);
    return !report.n_findings || error_set(reterr, ERR_CONFLICT, "%.*s: %zu finding%s", STR_ARG(claiming.name),
                                           report.n_findings, report.n_findings == 1 ? "" : "s");
}
