#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "domain_check.h"
#include "operate.h"
#include "setup.h"
#include "store/domain_view.h"
#include "table.h"
#include "text.h"
#include "told.h"
#include "who.h"

static struct str number(int64_t n, struct arena *arena) {
    return arena_printf(arena, "%lld", (long long)n);
}

static struct str time_or_none(int64_t ms, struct arena *arena) {
    return ms ? text_second(ms, arena) : STR("");
}

/* ---- list ---- */

/* "2", or "3 announced" while it is changed. */
static struct str key_of(const struct viewed_care *domain, struct arena *arena) {
    const struct care_key *key = &domain->care.key;
    if (!key->rotation) return STR("");
    return key->again_ms ? arena_printf(arena, "%lld %s", (long long)key->rotation, dkim_phase_names[key->phase])
                         : number(key->rotation, arena);
}

static struct str checked_of(const struct viewed_care *domain, struct arena *arena) {
    if (!domain->has_care) return STR("");
    return domain->care.check.is_checked ? text_second(domain->care.check.checked_ms, arena) : STR("never");
}

static struct str reason_of(const struct viewed_care *domain, struct arena *arena) {
    struct finding *findings;
    size_t n;
    findings_read(domain->care.check.findings, arena, &findings, &n);
    if (domain->care.key.reason.n) return domain->care.key.reason;
    return n ? finding_text(&findings[0], arena) : domain->reason;
}

static int64_t findings_of(const struct viewed_care *domain, struct arena *arena) {
    struct finding *findings;
    size_t n;
    findings_read(domain->care.check.findings, arena, &findings, &n);
    return (int64_t)n;
}

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    static const char *const titles[] = {"DOMAIN", "CREATED", "WORKSPACE", "PROVIDER", "STATE",  "MAILBOXES",
                                         "KEY",    "CHECKED", "FINDINGS",  "NEXT TRY", "REASON", NULL};
    struct listing *l = arg;
    struct viewed_care *domains;
    size_t n;
    if (!domain_list(db, l->stuck, l->max, l->arena, &domains, &n, reterr)) return false;
    l->table = table_create(l->arena, titles);
    for (size_t i = 0; i < n; i++) {
        const struct viewed_care *d = &domains[i];
        int64_t next_ms = d->care.key.reason.n ? d->care.key.again_ms : d->next_step_ms;
        table_add(l->table, (const struct str[]){
                                d->care.domain,
                                text_second(d->created_ms, l->arena),
                                who_of(db, d->care.workspace_id, l->arena),
                                str_of(provider_names[d->care.provider]),
                                str_of(domain_state_names[d->care.state]),
                                number(d->n_mailboxes, l->arena),
                                key_of(d, l->arena),
                                checked_of(d, l->arena),
                                d->care.check.is_checked ? number(findings_of(d, l->arena), l->arena) : STR(""),
                                time_or_none(next_ms, l->arena),
                                reason_of(d, l->arena),
                            });
    }
    return true;
}

bool run_domain_list(const struct invocation *invocation, struct error *reterr) {
    return operate_list(invocation, list_read, reterr);
}

/* ---- show ---- */

struct showing {
    struct str name;
    struct arena *arena;
    struct viewed_care domain;
    struct str workspace;
    struct domain_steps more;
};

static bool show_read(struct db *db, void *arg, struct error *reterr) {
    struct showing *s = arg;
    if (!domain_find(db, s->name, s->arena, &s->domain, reterr)) return false;
    s->workspace = who_of(db, s->domain.care.workspace_id, s->arena);
    return domain_steps(db, s->domain.care.domain_id, s->arena, &s->more, reterr);
}

static struct str forwarding_text(const struct care *care, struct arena *arena) {
    if (!care->forwarding.n) return STR("");
    return arena_printf(arena, "%.*s (%s)", STR_ARG(care->forwarding), forwarding_mode_names[care->mode]);
}

/* What is being done about the newest key, or what it does. */
static struct str key_text(const struct care_key *key, struct arena *arena) {
    static const char *const done[DKIM_PHASE_END] = {
        [DKIM_ANNOUNCED] = "its record is seen; the key before still signs",
        [DKIM_SIGNING] = "it signs; the record of the key before stays for mail in flight",
        [DKIM_SOLE] = "it signs alone",
    };
    static const char *const doing[DKIM_PHASE_END] = {
        [DKIM_ANNOUNCED] = "its record is being published; the key before signs",
        [DKIM_SIGNING] = "it is to sign from now on",
        [DKIM_SOLE] = "the key before is being taken away",
    };
    if (!key->rotation) return STR("none: its mail records are not published by dfyd");
    if (!key->since_ms) return arena_printf(arena, "%lld: %s", (long long)key->rotation, doing[key->phase]);
    return arena_printf(arena, "%lld, since %.*s: %s", (long long)key->rotation,
                        STR_ARG(text_second(key->since_ms, arena)), done[key->phase]);
}

static struct str next_key_text(const struct care_key *key, int64_t dkim_days, struct arena *arena) {
    if (key->again_ms)
        return arena_printf(arena, "%.*s, the next move of this change", STR_ARG(text_second(key->again_ms, arena)));
    if (!key->rotation || !dkim_days) return STR("never by itself");
    return text_second(key->since_ms + dkim_days * INT64_C(86400000), arena);
}

static struct str next_check_text(const struct care_check *check, int64_t check_hours, struct arena *arena) {
    if (check->again_ms)
        return arena_printf(arena, "%.*s, once more: %.*s", STR_ARG(text_second(check->again_ms, arena)),
                            STR_ARG(check->unclear_reason));
    if (!check_hours) return STR("never by itself");
    return text_second(check->checked_ms + check_hours * INT64_C(3600000), arena);
}

static void print_domain(const struct showing *s, const struct settings *settings) {
    const struct viewed_care *d = &s->domain;
    const struct care *care = &d->care;
    const struct str pairs[] = {
        STR("domain"),
        care->domain,
        STR("workspace"),
        s->workspace,
        STR("order"),
        care->order_id,
        STR("state"),
        str_of(domain_state_names[care->state]),
        STR("provider"),
        str_of(provider_names[care->provider]),
        STR("pre-warmed"),
        d->is_pre_warmed ? STR("yes") : STR("no"),
        STR("created"),
        text_time(d->created_ms, s->arena),
        STR("cancelled"),
        d->cancelled_ms ? text_time(d->cancelled_ms, s->arena) : STR(""),
        STR("forwarding"),
        forwarding_text(care, s->arena),
        STR("mailboxes"),
        number(d->n_mailboxes, s->arena),
        /* Of those in use: */
        STR("key"),
        key_text(&care->key, s->arena),
        STR("next key"),
        next_key_text(&care->key, settings->dkim_days, s->arena),
        STR("key waits"),
        care->key.reason,
        STR("checked"),
        checked_of(d, s->arena),
        STR("next check"),
        next_check_text(&care->check, settings->check_hours, s->arena),
        STR("findings"),
        care->check.is_checked ? number(findings_of(d, s->arena), s->arena) : STR(""),
    };
    enum { OF_USE = 6 };
    size_t n = ARRAY_LEN(pairs) / 2;
    table_print_pairs(pairs, d->has_care ? n : n - OF_USE, stdout);
}

static void print_mailboxes(const struct showing *s) {
    static const char *const titles[] = {"MAILBOX", "STATE", "CREATED", "REASON", NULL};
    struct table *table = table_create(s->arena, titles);
    for (size_t i = 0; i < s->more.n_accounts; i++) {
        const struct account_row *row = &s->more.accounts[i];
        table_add(table, (const struct str[]){row->email, str_of(account_state_names[row->state]),
                                              text_second(row->created_ms, s->arena), row->reason});
    }
    putchar('\n');
    table_print(table, stdout);
}

static void print_steps(const struct showing *s) {
    static const char *const titles[] = {"STEP", "MAILBOX", "STATE", "ATTEMPTS", "NEXT TRY", "REASON", NULL};
    struct table *table = table_create(s->arena, titles);
    for (size_t i = 0; i < s->more.n; i++) {
        const struct step *step = &s->more.steps[i];
        bool is_open = step->state != STEP_FAILED && step->state != STEP_BLOCKED;
        table_add(table, (const struct str[]){
                             str_of(step_kind_names[step->kind]),
                             step->email,
                             str_of(step_state_names[step->state]),
                             number(step->attempts, s->arena),
                             is_open ? text_second(step->due_ms, s->arena) : STR(""),
                             step->reason,
                         });
    }
    putchar('\n');
    table_print(table, stdout);
}

bool run_domain_show(const struct invocation *invocation, struct error *reterr) {
    struct showing s = {.name = str_of(invocation_value(invocation, "domain")), .arena = invocation->arena};
    if (!store_read(invocation->setup->store, show_read, &s, reterr)) return false;
    print_domain(&s, invocation->settings);
    if (s.more.n_accounts) print_mailboxes(&s);
    if (s.more.n) print_steps(&s);
    domain_print_findings(s.domain.care.check.findings, s.arena);
    return true;
}

/* ---- rotate-dkim ---- */

struct rotating {
    struct str name;
    int64_t rotation;
    struct audit_record record;
    struct arena *arena;
};

static bool rotate_change(struct db *db, void *arg, struct error *reterr) {
    struct rotating *r = arg;
    if (!care_rotate(db, r->name, r->record.now_ms, &r->rotation, reterr)) return false;
    const struct told_member told[] = {{"domain", TOLD_TEXT, .text = r->name},
                                       {"key", TOLD_NUMBER, .number = r->rotation}};
    r->record.detail = told_detail(told, ARRAY_LEN(told), r->arena);
    return told_of_business(db, r->record, reterr);
}

bool run_domain_rotate_dkim(const struct invocation *invocation, struct error *reterr) {
    struct rotating rotating = {
        .name = str_of(invocation_value(invocation, "domain")),
        .record = told_record(invocation, ACTIVITY_DKIM_ROTATED),
        .arena = invocation->arena,
    };
    if (!store_write(invocation->setup->store, rotate_change, &rotating, reterr)) return false;
    printf("%.*s gets key %lld: the server publishes its record, signs with it once a resolver sees that, and keeps the"
           " record of key %lld for mail in flight; `dfyd domain show %.*s` says how far it is\n",
           STR_ARG(rotating.name), (long long)rotating.rotation, (long long)rotating.rotation - 1,
           STR_ARG(rotating.name));
    return true;
}
