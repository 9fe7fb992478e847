/* A check: what a domain looks like from outside. */
#include "driver/mailbox/mailbox.h"
#include "step/care_inside.h"

enum {
    TRIES_MAX = 4,          /* checks without a clear answer until that is a finding */
    CHECK_WAIT_FACTOR = 60, /* between them, of what a step waits: what is silent for minutes is no drift */
};

/* ---- recording ---- */

struct extending {
    struct care *care;
    int64_t until_ms;
    bool stale;
};

static bool extend_change(struct db *db, void *arg, struct error *reterr) {
    struct extending *e = arg;
    return care_extend(db, e->care, e->until_ms, &e->stale, reterr);
}

/* Each mailbox may take some seconds; a lease that is lost meanwhile shows when the check is recorded. */
static bool keep_lease(const struct world *world, struct care *care, struct error *reterr) {
    int64_t now = clock_now(world->clock);
    if (!care->is_leased || care->due_ms - now > world->lease_ms / 2) return true;
    struct extending extending = {.care = care, .until_ms = now + world->lease_ms};
    return store_claim(world->store, extend_change, &extending, reterr);
}

struct keeping {
    const struct care *care;
    struct care_checked checked;
    struct care_times times;
    bool stale;
};

static bool keep_change(struct db *db, void *arg, struct error *reterr) {
    struct keeping *k = arg;
    return care_record_check(db, k->care, &k->checked, &k->times, &k->stale, reterr);
}

bool care_keep(const struct world *world, const struct care *care, const struct care_report *report, bool *ret_stale,
               struct error *reterr) {
    struct keeping keeping = {.care = care, .times = care_times_of(world)};
    keeping.checked = (struct care_checked){
        .findings = report->findings,
        .n = report->n_findings,
        .is_unclear = report->is_unclear,
        .unclear_reason = report->unclear_reason,
        .again_ms =
            keeping.times.now_ms + world_backoff_ms(world, care->check.tries + 1,
                                                    world->retry_base_ms * CHECK_WAIT_FACTOR, world->retry_max_ms),
        .tries_max = TRIES_MAX,
    };
    if (!store_write_of(world->store, care->workspace_id, keep_change, &keeping, reterr)) return false;
    *ret_stale = keeping.stale;
    return true;
}

/* ---- what is found ---- */

struct looking {
    const struct world *world;
    struct care *care;
    struct arena *arena;
    struct care_subjects subjects;
    struct care_report *report;
    size_t cap;
};

static void add_finding(struct looking *l, const struct finding *finding) {
    struct care_report *report = l->report;
    if (report->n_findings == l->cap) {
        struct finding *more = ARENA_ARRAY(l->arena, 2 * l->cap + 8, struct finding);
        for (size_t i = 0; i < report->n_findings; i++) more[i] = report->findings[i];
        report->findings = more;
        l->cap = 2 * l->cap + 8;
    }
    report->findings[report->n_findings++] = *finding;
}

static void add_unclear(struct looking *l, struct str subject, struct str reason) {
    char since[TIME_TEXT];
    int64_t since_ms = l->care->check.unclear_since_ms;
    time_format(since_ms ? since_ms : clock_now(l->world->clock), since);
    const struct finding finding = {
        .kind = FINDING_UNCLEAR,
        .subject = subject,
        .wanted = STR("a clear answer"),
        .seen = arena_printf(l->arena, "could not be checked since %s: %.*s", since, STR_ARG(reason)),
        .mend = STR("see to it that it answers; it is asked again by itself"),
    };
    add_finding(l, &finding);
    if (!l->report->is_unclear)
        l->report->unclear_reason = arena_printf(l->arena, "%.*s: %.*s", STR_ARG(subject), STR_ARG(reason));
    l->report->is_unclear = true;
}

/* ---- records ---- */

static bool is_held(struct db *db, const void *holder, bool *ret, struct error *reterr) {
    return care_is_held(db, holder, ret, reterr);
}

struct zone_job care_zone_job(const struct care *care, enum zone_part part) {
    return (struct zone_job){
        .domain_id = care->domain_id,
        .domain = care->domain,
        .part = part,
        .provider = care->provider,
        .forwards = care->forwarding.n > 0,
        .is_held = is_held,
        .holder = care,
    };
}

static struct str values_of(const struct rrset *set, struct arena *arena) {
    struct str text = STR("");
    for (size_t i = 0; i < set->n_data; i++)
        text = arena_printf(arena, "%.*s%s%.*s", STR_ARG(text), i ? " | " : "", STR_ARG(set->data[i]));
    return text.n ? text : STR("nothing");
}

/* A move of keys that is under way changes these: they are no finding before it is made. */
static bool is_under_way(const struct looking *l, const struct zone_report_line *line) {
    const struct care_key *key = &l->care->key;
    return key->again_ms && !key->since_ms && str_contains(line->wanted.name, "._domainkey.") &&
           (line->state == ZONE_STATE_MISSING || line->state == ZONE_STATE_DIFFERENT);
}

static void judge_line(struct looking *l, const struct zone_report_line *line, bool is_busy) {
    if (line->state == ZONE_STATE_OK || is_under_way(l, line)) return;
    struct str subject = arena_printf(l->arena, "%s %.*s", line->wanted.type, STR_ARG(line->wanted.name));
    if (line->state == ZONE_STATE_UNKNOWN) {
        add_unclear(l, subject, line->reason);
        return;
    }
    if (is_busy) {
        add_unclear(l, subject, STR("it is just being published"));
        return;
    }
    bool is_served = line->state != ZONE_STATE_BY_HAND && rrset_is_seen(&line->wanted, &line->served);
    const struct finding finding = {
        .kind = FINDING_RECORD,
        .subject = subject,
        .wanted = values_of(&line->wanted, l->arena),
        .seen = is_served ? arena_printf(l->arena, "%.*s at a resolver", STR_ARG(values_of(&line->seen, l->arena)))
                          : arena_printf(l->arena, "%.*s at the DNS host", STR_ARG(values_of(&line->served, l->arena))),
        .mend = is_served
                    ? STR("the DNS host has it as it should be: look at the delegation and the other name servers,"
                          " or wait until caches forget the old one")
                    : arena_printf(l->arena, "`dfyd domain repair %.*s` publishes it again", STR_ARG(l->care->domain)),
    };
    add_finding(l, &finding);
}

static bool look_at_part(struct looking *l, enum zone_part part, struct error *reterr) {
    struct zone_job job = care_zone_job(l->care, part);
    struct zone_report *report = &l->report->parts[part];
    if (!zone_look(l->world, &job, l->arena, report, reterr)) return false;
    if (report->reason.n) {
        add_unclear(l, arena_printf(l->arena, "the records of its %s", zone_part_names[part]), report->reason);
        return true;
    }
    bool is_busy = part == ZONE_MAIL ? l->subjects.mail_is_busy : l->subjects.web_is_busy;
    for (size_t i = 0; i < report->n; i++) judge_line(l, &report->lines[i], is_busy);
    return true;
}

/* ---- mailboxes ---- */

static enum outcome verify(struct looking *l, const struct care_mailbox *mailbox, struct answer *answer) {
    struct mailbox_login login = {.email = mailbox->email, .key = mailbox->account_id};
    struct error error = {0};
    /* A wrong secret.key can be mended. */
    if (!vault_open_sealed(l->world->vault, mailbox->sealed_password, l->arena, &login.password, &error))
        return answer_set(answer, OUTCOME_UNKNOWN, "%s", error.message);
    return mailbox_verify(l->world->drivers->mailbox, &login, answer);
}

static void look_at_mailbox(struct looking *l, const struct care_mailbox *mailbox) {
    struct answer answer = {0};
    struct care_mailbox_seen *seen = &l->report->mailboxes[l->report->n_mailboxes++];
    *seen = (struct care_mailbox_seen){.email = mailbox->email, .outcome = verify(l, mailbox, &answer)};
    if (seen->outcome == OUTCOME_DONE) return;
    seen->reason = arena_str(l->arena, str_of(answer.reason));
    if (seen->outcome == OUTCOME_UNKNOWN) {
        add_unclear(l, seen->email, seen->reason);
        return;
    }
    const struct finding finding = {
        .kind = FINDING_MAILBOX,
        .subject = seen->email,
        .wanted = STR("that its owner can log in, send and read"),
        .seen = seen->reason,
        .mend = STR("look at the mail host"),
    };
    add_finding(l, &finding);
}

static bool look_at_mailboxes(struct looking *l, struct error *reterr) {
    size_t n = l->subjects.n_mailboxes;
    l->report->mailboxes = ARENA_ARRAY(l->arena, n, struct care_mailbox_seen);
    for (size_t i = 0; i < n; i++) {
        if (!keep_lease(l->world, l->care, reterr)) return false;
        look_at_mailbox(l, &l->subjects.mailboxes[i]);
    }
    return true;
}

/* ---- all of it ---- */

static bool subjects_read(struct db *db, void *arg, struct error *reterr) {
    struct looking *l = arg;
    return care_subjects(db, l->care->domain_id, l->arena, &l->subjects, reterr);
}

bool care_look(const struct world *world, struct care *care, struct arena *arena, struct care_report *ret,
               struct error *reterr) {
    *ret = (struct care_report){.n_findings = 0};
    struct looking looking = {.world = world, .care = care, .arena = arena, .report = ret};
    if (!store_read(world->store, subjects_read, &looking, reterr)) return false;
    if (!(world->drivers->mailbox->ops->providers & 1U << care->provider)) {
        add_unclear(&looking, STR("its mailboxes"),
                    arena_printf(arena, "the mail host %s does not serve provider %d",
                                 world->drivers->mailbox->ops->name, (int)care->provider));
        return true;
    }
    /* dfyd checks what it publishes. */
    return (!care->key.rotation || look_at_part(&looking, ZONE_MAIL, reterr)) &&
           (!care->forwarding.n || looking.subjects.web_is_off || look_at_part(&looking, ZONE_WEB, reterr)) &&
           look_at_mailboxes(&looking, reterr);
}
