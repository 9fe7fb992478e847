#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile_inside.h"

/* --- chance ------------------------------------------------------------------------------------------------------ */

static const char *const kind_names[] = {"registrar", "dns", "mail host", "bank", "resolver"};

static bool happens(struct hostile *h, uint32_t permille) {
    return permille != 0 && rng_below(h->config.rng, 1000) < permille;
}

enum fate hostile_draw_fate(struct hostile *h, bool may_refuse, bool may_be_late) {
    const struct hostile_level *level = &h->level;
    if (happens(h, level->power_cut)) return rng_below(h->config.rng, 2) ? FATE_CUT_BEFORE : FATE_CUT_AFTER;
    if (happens(h, level->lose)) return FATE_LOST;
    if (happens(h, level->lose_answer)) return FATE_ANSWER_LOST;
    if (happens(h, level->late) && may_be_late && h->n_late < LATE_MAX) return FATE_LATE;
    if (happens(h, level->refuse) && may_refuse) return FATE_REFUSED;
    return FATE_PASS;
}

struct subject *hostile_subject(struct hostile *h, enum hostile_kind kind, struct str text) {
    for (size_t i = 0; i < h->n_subjects; i++)
        if (h->subjects[i].kind == kind && str_eq(h->subjects[i].text, text)) return &h->subjects[i];
    if (h->n_subjects == SUBJECTS_MAX) {
        fputs("dfyd-sim: too many subjects\n", stderr);
        abort();
    }
    struct subject *subject = &h->subjects[h->n_subjects++];
    *subject = (struct subject){.kind = kind, .text = arena_str(h->arena, text)};
    return subject;
}

bool hostile_is_off(const struct hostile *h) {
    return crashfs_is_off(h->config.fs);
}

enum outcome hostile_no_answer(struct answer *answer) {
    return answer_set(answer, OUTCOME_UNKNOWN, "no answer (simulated)");
}

/* Other work goes on while a call is on its way. */
void hostile_wait(struct hostile *h) {
    if (happens(h, h->level.slow)) h->config.meanwhile(h->config.meanwhile_arg);
}

void hostile_note(struct hostile *h, enum hostile_kind kind, const char *what, struct str subject, const char *fate) {
    struct str shown = kind == HOSTILE_PAYMENT ? history_id(subject) : subject;
    history_add(h->config.history, "%s: %s %.*s: %s", kind_names[kind], what, STR_ARG(shown), fate);
}

/* --- calls ------------------------------------------------------------------------------------------------------- */

/* What is noted of each; a host that cannot remove what it has made would need a person. */
static const struct {
    const char *name;
    enum hostile_kind kind;
    bool is_never_refused;
} calls[CALL_KIND_END] = {
    [CALL_REGISTER] = {"register", HOSTILE_REGISTRAR, false}, [CALL_CHANGE] = {"change", HOSTILE_DNS, false},
    [CALL_CREATE] = {"create", HOSTILE_MAILBOX, false},       [CALL_REMOVE] = {"remove", HOSTILE_MAILBOX, true},
    [CALL_CHARGE] = {"charge", HOSTILE_PAYMENT, false},       [CALL_REFUND] = {"refund", HOSTILE_PAYMENT, false},
    [CALL_RENEW] = {"renew", HOSTILE_REGISTRAR, false},       [CALL_ACCESS] = {"set access", HOSTILE_MAILBOX, true},
    [CALL_KEYS] = {"move keys of", HOSTILE_MAILBOX, false},
};

static enum outcome do_act(struct hostile *h, const struct late *job, struct payment_answer *answer) {
    switch (job->call) {
    case CALL_REGISTER:
        return registrar_create(h->real.registrar, &job->registrar, &answer->answer);
    case CALL_CHANGE:
        return dns_change(h->real.dns, job->dns.zone, job->dns.changes, job->dns.n, &answer->answer);
    case CALL_CREATE:
        return mailbox_create(h->real.mailbox, &job->mailbox, &answer->answer);
    case CALL_REMOVE:
        return mailbox_remove(h->real.mailbox, job->mailbox.email, job->mailbox.key, &answer->answer);
    case CALL_RENEW:
        return registrar_renew(h->real.registrar, &job->renewal, &answer->answer);
    case CALL_ACCESS:
        return mailbox_set_access(h->real.mailbox, &job->access, &answer->answer);
    case CALL_KEYS:
        return mailbox_set_dkim(h->real.mailbox, &job->keys, &answer->answer);
    case CALL_CHARGE:
        h->bank_calls++;
        return payment_charge(h->real.payment, &job->payment, answer);
    case CALL_REFUND:
        h->bank_calls++;
        return payment_refund(h->real.payment, &job->refund, answer);
    case CALL_KIND_END:
        break;
    }
    return hostile_no_answer(&answer->answer);
}

static bool is_closed(const struct hostile *h, const struct late *job) {
    if (job->call != CALL_CREATE) return false;
    for (size_t i = 0; i < h->n_closed; i++)
        if (str_eq(h->closed[i], job->mailbox.key)) return true;
    return false;
}

/* What follows from something that was really done. */
static void see_done(struct hostile *h, const struct late *job) {
    if (job->call == CALL_REMOVE && h->n_closed < SUBJECTS_MAX)
        h->closed[h->n_closed++] = arena_str(h->arena, job->mailbox.key);
    if (job->call == CALL_KEYS) hostile_keys_moved(h, &job->keys);
    if (job->call == CALL_CHANGE) hostile_records_changed(h, job->dns.zone);
    /* No earlier call for the same records takes effect after a later one (driver/dns/dns.h). */
    for (size_t i = 0; job->call == CALL_CHANGE && i < h->n_late;)
        if (h->late[i].subject == job->subject)
            h->late[i] = h->late[--h->n_late];
        else
            i++;
}

static const char *const outcome_names[] = {"done", "refused", "unknown"};

static enum outcome really_act(struct hostile *h, const struct late *job, struct payment_answer *answer) {
    enum outcome outcome = do_act(h, job, answer);
    if (outcome == OUTCOME_DONE) {
        job->subject->n_done++;
        see_done(h, job);
    }
    if (outcome == OUTCOME_REFUSED)
        job->subject->is_refused = true;
    else
        job->subject->may_be_done = true;
    return outcome;
}

static void copy_strs(struct hostile *h, const struct str **list, size_t n) {
    struct str *copy = ARENA_ARRAY(h->arena, n, struct str);
    for (size_t i = 0; i < n; i++) copy[i] = arena_str(h->arena, (*list)[i]);
    *list = copy;
}

static struct rrset copy_set(struct hostile *h, const struct rrset *set) {
    struct rrset copy = {.name = arena_str(h->arena, set->name), .ttl = set->ttl, .n_data = set->n_data};
    copy.type = arena_cstr(h->arena, str_of(set->type));
    copy.data = ARENA_ARRAY(h->arena, set->n_data, struct str);
    for (size_t i = 0; i < set->n_data; i++) copy.data[i] = arena_str(h->arena, set->data[i]);
    return copy;
}

static void send_late(struct hostile *h, const struct late *job) {
    struct late *late = &h->late[h->n_late++];
    *late = *job;
    struct str *texts[] = {&late->registrar.name,       &late->registrar.key,
                           &late->mailbox.email,        &late->mailbox.key,
                           &late->mailbox.password,     &late->mailbox.first_name,
                           &late->mailbox.last_name,    &late->dns.zone,
                           &late->payment.key,          &late->payment.token,
                           &late->payment.workspace_id, &late->payment.description,
                           &late->renewal.name,         &late->renewal.key,
                           &late->keys.domain,          &late->access.email,
                           &late->access.key,           &late->refund.key,
                           &late->refund.charge_key,    &late->refund.charge_reference};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i]->n) *texts[i] = arena_str(h->arena, *texts[i]);
    copy_strs(h, &late->registrar.nameservers, late->registrar.n_nameservers);
    struct zone_change *changes = ARENA_ARRAY(h->arena, late->dns.n, struct zone_change);
    for (size_t i = 0; i < late->dns.n; i++)
        changes[i] =
            (struct zone_change){copy_set(h, &late->dns.changes[i].was), copy_set(h, &late->dns.changes[i].to)};
    late->dns.changes = changes;
    late->subject->may_be_done = true;
}

enum outcome hostile_act_at_bank(struct hostile *h, const struct late *job, struct payment_answer *answer) {
    *answer = (struct payment_answer){0};
    if (hostile_is_off(h)) return hostile_no_answer(&answer->answer);
    struct subject *subject = job->subject;
    int n_done = subject->n_done;
    hostile_wait(h);
    if (hostile_is_off(h)) return hostile_no_answer(&answer->answer);
    enum hostile_kind kind = calls[job->call].kind;
    if (is_closed(h, job)) {
        /* Of this account alone: the address can be ordered again. */
        hostile_note(h, kind, calls[job->call].name, subject->text, "refused, its key is closed");
        return do_act(h, job, answer);
    }
    if (job->call == CALL_CHANGE && subject->n_done != n_done) {
        hostile_note(h, kind, calls[job->call].name, subject->text, "lost, a later one was done");
        return hostile_no_answer(&answer->answer);
    }
    enum fate fate = hostile_draw_fate(h, !subject->may_be_done && !calls[job->call].is_never_refused, true);
    if (fate == FATE_PASS && subject->is_refused) fate = FATE_REFUSED;
    enum outcome outcome = OUTCOME_UNKNOWN;
    const char *shown = "";
    struct payment_answer lost = {0};
    switch (fate) {
    case FATE_PASS:
        outcome = really_act(h, job, answer);
        shown = outcome_names[outcome];
        break;
    case FATE_LOST:
        shown = "lost on its way";
        break;
    case FATE_ANSWER_LOST:
        shown = !subject->is_refused && really_act(h, job, &lost) == OUTCOME_DONE ? "done, answer lost"
                                                                                  : "not done, answer lost";
        break;
    case FATE_LATE:
        if (!subject->is_refused) send_late(h, job);
        shown = "on its way for long";
        break;
    case FATE_REFUSED:
        subject->is_refused = true;
        if (job->call == CALL_CHARGE) answer->decline = DECLINE_GENERIC;
        outcome = answer_set(&answer->answer, OUTCOME_REFUSED, "refused (simulated)");
        shown = "refused";
        break;
    case FATE_CUT_BEFORE:
    case FATE_CUT_AFTER:
        if (fate == FATE_CUT_AFTER && !subject->is_refused) really_act(h, job, &lost);
        crashfs_power_off(h->config.fs);
        shown = fate == FATE_CUT_AFTER ? "done, then the power goes" : "the power goes before";
        break;
    }
    if (outcome == OUTCOME_UNKNOWN && fate != FATE_PASS) hostile_no_answer(&answer->answer);
    hostile_note(h, kind, calls[job->call].name, subject->text, shown);
    return outcome;
}

enum outcome hostile_act(struct hostile *h, const struct late *job, struct answer *answer) {
    struct payment_answer full;
    enum outcome outcome = hostile_act_at_bank(h, job, &full);
    if (answer) *answer = full.answer;
    return outcome;
}

/* Whether a call that only asks gets no answer. */
bool hostile_ask_is_lost(struct hostile *h, enum hostile_kind kind, const char *what, struct str subject) {
    if (hostile_is_off(h)) return true;
    hostile_wait(h);
    if (hostile_is_off(h)) return true;
    if (!happens(h, h->level.lose + h->level.lose_answer)) return false;
    hostile_note(h, kind, what, subject, "no answer");
    return true;
}

bool hostile_arrive(struct hostile *h) {
    if (h->n_late == 0) return false;
    size_t i = rng_below(h->config.rng, (uint32_t)h->n_late);
    struct late job = h->late[i];
    h->late[i] = h->late[--h->n_late];
    if (job.subject->is_refused) return true;
    struct payment_answer spare = {0};
    enum outcome outcome = is_closed(h, &job) ? do_act(h, &job, &spare) : really_act(h, &job, &spare);
    hostile_note(h, calls[job.call].kind, "at last comes the call for", job.subject->text, outcome_names[outcome]);
    return true;
}

/* --- the world --------------------------------------------------------------------------------------------------- */

bool hostile_create(const struct hostile_config *config, struct hostile **ret, struct error *reterr) {
    struct sandbox_book *book;
    if (!sandbox_book_open(":memory:", config->clock, &book, reterr)) return false;
    struct arena *arena = arena_create(65536);
    struct hostile *h = ARENA_NEW(arena, struct hostile);
    h->config = *config;
    h->arena = arena;
    h->book = book;
    h->subjects = ARENA_ARRAY(arena, SUBJECTS_MAX, struct subject);
    h->keys = ARENA_ARRAY(arena, SUBJECTS_MAX, struct keys);
    h->told = ARENA_ARRAY(arena, TOLD_MAX, struct hostile_told);
    h->closed = ARENA_ARRAY(arena, SUBJECTS_MAX, struct str);
    h->real = (struct drivers){
        .registrar = registrar_sandbox_create(book),
        .dns = dns_sandbox_create(book),
        .mailbox = mailbox_sandbox_create(book),
        .resolver = resolver_sandbox_create(book),
        .payment = payment_sandbox_create(book),
        .book = book,
    };
    h->registrar = (struct hostile_registrar){{&hostile_registrar_ops}, h};
    h->dns = (struct hostile_dns){{&hostile_dns_ops}, h};
    h->mailbox = (struct hostile_mailbox){{&hostile_mailbox_ops}, h};
    h->resolver = (struct hostile_resolver){{&hostile_resolver_ops}, h};
    h->payment = (struct hostile_payment){{&hostile_payment_ops}, h};
    h->hook = (struct hostile_hook){{&hostile_hook_ops}, h};
    *ret = h;
    return true;
}

void hostile_destroy(struct hostile *h) {
    if (!h) return;
    registrar_destroy(h->real.registrar);
    dns_destroy(h->real.dns);
    mailbox_destroy(h->real.mailbox);
    resolver_destroy(h->real.resolver);
    payment_destroy(h->real.payment);
    sandbox_book_close(h->book);
    arena_destroy(h->arena);
}

struct drivers hostile_drivers(struct hostile *h) {
    return (struct drivers){
        .registrar = &h->registrar.base,
        .dns = &h->dns.base,
        .mailbox = &h->mailbox.base,
        .resolver = &h->resolver.base,
        .payment = &h->payment.base,
        .hook = &h->hook.base,
        .book = h->book,
    };
}

const struct drivers *hostile_real(const struct hostile *h) {
    return &h->real;
}

struct sandbox_book *hostile_book(const struct hostile *h) {
    return h->book;
}

void hostile_set_level(struct hostile *h, struct hostile_level level) {
    h->level = level;
}

bool hostile_refused(const struct hostile *h, enum hostile_kind kind, struct str subject) {
    for (size_t i = 0; i < h->n_subjects; i++)
        if (h->subjects[i].kind == kind && str_eq(h->subjects[i].text, subject)) return h->subjects[i].is_refused;
    return false;
}
