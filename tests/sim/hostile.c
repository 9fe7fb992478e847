#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/dns/dns.h"
#include "driver/hook/hook.h"
#include "driver/mailbox/mailbox.h"
#include "driver/payment/payment.h"
#include "driver/registrar/registrar.h"
#include "driver/sandbox_book.h"

enum { LATE_MAX = 32, SUBJECTS_MAX = 1024, TOLD_MAX = 4096 };

/* Something a call was about: a name, an address, a zone's part, an order's key. */
struct subject {
    enum hostile_kind kind;
    struct str text;
    bool is_refused; /* for good */
    bool may_be_done;
};

/* A call on its way; copies in the arena. */
struct late {
    enum hostile_kind kind;
    struct subject *subject;
    bool is_removal; /* of a mailbox: its address and key alone count */
    struct registrar_create registrar;
    struct mailbox_create mailbox;
    struct payment_charge payment;
    struct {
        struct str zone;
        struct rrset *sets;
        size_t n;
    } dns;
};

struct hostile_registrar {
    struct registrar base;
    struct hostile *hostile;
};
struct hostile_dns {
    struct dns base;
    struct hostile *hostile;
};
struct hostile_mailbox {
    struct mailbox base;
    struct hostile *hostile;
};
struct hostile_payment {
    struct payment base;
    struct hostile *hostile;
};
struct hostile_hook {
    struct hook base;
    struct hostile *hostile;
};

struct hostile {
    struct hostile_config config;
    struct hostile_level level;
    struct arena *arena; /* lives as long as this world */
    struct sandbox_book *book;
    struct drivers real;
    struct hostile_registrar registrar;
    struct hostile_dns dns;
    struct hostile_mailbox mailbox;
    struct hostile_payment payment;
    struct hostile_hook hook;
    struct hostile_told *told;
    size_t n_told;
    bool told_otherwise;
    struct late late[LATE_MAX];
    size_t n_late;
    struct subject *subjects;
    size_t n_subjects;
    struct str *closed; /* keys of mailboxes that were removed */
    size_t n_closed;
};

/* --- chance ------------------------------------------------------------------------------------------------------ */

static const char *const kind_names[] = {"registrar", "dns", "mail host", "bank"};

enum fate { FATE_PASS, FATE_LOST, FATE_ANSWER_LOST, FATE_LATE, FATE_REFUSED, FATE_CUT_BEFORE, FATE_CUT_AFTER };

static bool happens(struct hostile *h, uint32_t permille) {
    return permille != 0 && rng_below(h->config.rng, 1000) < permille;
}

static enum fate draw_fate(struct hostile *h, bool may_refuse, bool may_be_late) {
    const struct hostile_level *level = &h->level;
    if (happens(h, level->power_cut)) return rng_below(h->config.rng, 2) ? FATE_CUT_BEFORE : FATE_CUT_AFTER;
    if (happens(h, level->lose)) return FATE_LOST;
    if (happens(h, level->lose_answer)) return FATE_ANSWER_LOST;
    if (happens(h, level->late) && may_be_late && h->n_late < LATE_MAX) return FATE_LATE;
    if (happens(h, level->refuse) && may_refuse) return FATE_REFUSED;
    return FATE_PASS;
}

static struct subject *subject_of(struct hostile *h, enum hostile_kind kind, struct str text) {
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

static bool is_off(const struct hostile *h) {
    return crashfs_is_off(h->config.fs);
}

static enum outcome no_answer(struct answer *answer) {
    return answer_set(answer, OUTCOME_UNKNOWN, "no answer (simulated)");
}

/* Other work goes on while a call is on its way. */
static void wait_a_while(struct hostile *h) {
    if (happens(h, h->level.slow)) h->config.meanwhile(h->config.meanwhile_arg);
}

static void note(struct hostile *h, enum hostile_kind kind, const char *what, struct str subject, const char *fate) {
    struct str shown = kind == HOSTILE_PAYMENT ? history_id(subject) : subject;
    history_add(h->config.history, "%s: %s %.*s: %s", kind_names[kind], what, STR_ARG(shown), fate);
}

/* --- calls ------------------------------------------------------------------------------------------------------- */

/* A call that acts, whichever driver it is for. JOB and its kind say what; it is copied when it comes late. */
static enum outcome do_act(struct hostile *h, const struct late *job, struct answer *answer,
                           enum decline *ret_decline) {
    switch (job->kind) {
    case HOSTILE_REGISTRAR:
        return registrar_create(h->real.registrar, &job->registrar, answer);
    case HOSTILE_DNS:
        return dns_publish(h->real.dns, job->dns.zone, job->dns.sets, job->dns.n, answer);
    case HOSTILE_MAILBOX:
        if (job->is_removal) return mailbox_remove(h->real.mailbox, job->mailbox.email, job->mailbox.key, answer);
        return mailbox_create(h->real.mailbox, &job->mailbox, answer);
    case HOSTILE_PAYMENT:
        break;
    }
    struct payment_answer paid = {0};
    enum outcome outcome = payment_charge(h->real.payment, &job->payment, &paid);
    if (answer) *answer = paid.answer;
    *ret_decline = paid.decline;
    return outcome;
}

static bool is_closed(const struct hostile *h, const struct late *job) {
    if (job->kind != HOSTILE_MAILBOX || job->is_removal) return false;
    for (size_t i = 0; i < h->n_closed; i++)
        if (str_eq(h->closed[i], job->mailbox.key)) return true;
    return false;
}

/* What follows from something that was really done. */
static void see_done(struct hostile *h, const struct late *job) {
    if (job->is_removal && h->n_closed < SUBJECTS_MAX) h->closed[h->n_closed++] = arena_str(h->arena, job->mailbox.key);
    /* No earlier call for the same records takes effect after a later one (driver/dns/dns.h). */
    for (size_t i = 0; job->kind == HOSTILE_DNS && i < h->n_late;)
        if (h->late[i].subject == job->subject)
            h->late[i] = h->late[--h->n_late];
        else
            i++;
}

static const char *const outcome_names[] = {"done", "refused", "unknown"};

static enum outcome really_act(struct hostile *h, const struct late *job, struct answer *answer,
                               enum decline *ret_decline) {
    struct answer spare = {0};
    enum outcome outcome = do_act(h, job, answer ? answer : &spare, ret_decline);
    if (outcome == OUTCOME_DONE) see_done(h, job);
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

static void send_late(struct hostile *h, const struct late *job) {
    struct late *late = &h->late[h->n_late++];
    *late = *job;
    struct str *texts[] = {&late->registrar.name,    &late->registrar.key,      &late->mailbox.email,
                           &late->mailbox.key,       &late->mailbox.password,   &late->mailbox.first_name,
                           &late->mailbox.last_name, &late->payment.key,        &late->payment.token,
                           &late->dns.zone,          &late->payment.description};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i]->n) *texts[i] = arena_str(h->arena, *texts[i]);
    copy_strs(h, &late->registrar.nameservers, late->registrar.n_nameservers);
    struct rrset *sets = ARENA_ARRAY(h->arena, late->dns.n, struct rrset);
    for (size_t i = 0; i < late->dns.n; i++) {
        sets[i] = late->dns.sets[i];
        sets[i].name = arena_str(h->arena, sets[i].name);
        sets[i].data = ARENA_ARRAY(h->arena, sets[i].n_data, struct str);
        for (size_t j = 0; j < sets[i].n_data; j++) sets[i].data[j] = arena_str(h->arena, late->dns.sets[i].data[j]);
    }
    late->dns.sets = sets;
    late->subject->may_be_done = true;
}

static enum outcome act(struct hostile *h, const struct late *job, struct answer *answer, enum decline *ret_decline) {
    static const char *const what[] = {"register", "publish", "create", "charge"};
    if (is_off(h)) return no_answer(answer);
    wait_a_while(h);
    if (is_off(h)) return no_answer(answer);
    struct subject *subject = job->subject;
    if (is_closed(h, job)) {
        /* Of this account alone: the address can be ordered again. */
        note(h, job->kind, what[job->kind], subject->text, "refused, its key is closed");
        return do_act(h, job, answer, ret_decline);
    }
    /* A host that cannot remove what it has made would need a person. */
    enum fate fate = draw_fate(h, !subject->may_be_done && !job->is_removal, true);
    if (fate == FATE_PASS && subject->is_refused) fate = FATE_REFUSED;
    enum outcome outcome = OUTCOME_UNKNOWN;
    const char *shown = "";
    switch (fate) {
    case FATE_PASS:
        outcome = really_act(h, job, answer, ret_decline);
        shown = outcome_names[outcome];
        break;
    case FATE_LOST:
        outcome = no_answer(answer);
        shown = "lost on its way";
        break;
    case FATE_ANSWER_LOST:
        outcome = subject->is_refused ? OUTCOME_REFUSED : really_act(h, job, NULL, ret_decline);
        shown = outcome == OUTCOME_DONE ? "done, answer lost" : "not done, answer lost";
        outcome = no_answer(answer);
        break;
    case FATE_LATE:
        if (!subject->is_refused) send_late(h, job);
        outcome = no_answer(answer);
        shown = "on its way for long";
        break;
    case FATE_REFUSED:
        subject->is_refused = true;
        *ret_decline = DECLINE_GENERIC;
        outcome = answer_set(answer, OUTCOME_REFUSED, "refused (simulated)");
        shown = "refused";
        break;
    case FATE_CUT_BEFORE:
    case FATE_CUT_AFTER:
        if (fate == FATE_CUT_AFTER && !subject->is_refused) really_act(h, job, NULL, ret_decline);
        crashfs_power_off(h->config.fs);
        outcome = no_answer(answer);
        shown = fate == FATE_CUT_AFTER ? "done, then the power goes" : "the power goes before";
        break;
    }
    note(h, job->kind, job->is_removal ? "remove" : what[job->kind], subject->text, shown);
    return outcome;
}

/* Whether a call that only asks gets no answer. */
static bool ask_is_lost(struct hostile *h, enum hostile_kind kind, const char *what, struct str subject) {
    if (is_off(h)) return true;
    wait_a_while(h);
    if (is_off(h)) return true;
    if (!happens(h, h->level.lose + h->level.lose_answer)) return false;
    note(h, kind, what, subject, "no answer");
    return true;
}

bool hostile_arrive(struct hostile *h) {
    if (h->n_late == 0) return false;
    size_t i = rng_below(h->config.rng, (uint32_t)h->n_late);
    struct late job = h->late[i];
    h->late[i] = h->late[--h->n_late];
    if (job.subject->is_refused) return true;
    enum decline decline = DECLINE_NONE;
    struct answer spare = {0};
    enum outcome outcome = is_closed(h, &job) ? do_act(h, &job, &spare, &decline) : really_act(h, &job, NULL, &decline);
    note(h, job.kind, "at last comes the call for", job.subject->text, outcome_names[outcome]);
    return true;
}

/* --- registrar --------------------------------------------------------------------------------------------------- */

static struct hostile *of_registrar(struct registrar *r) {
    return ((struct hostile_registrar *)r)->hostile;
}

static enum outcome check_names(struct registrar *r, const struct str *names, size_t n, bool *ret_taken,
                                struct answer *answer) {
    struct hostile *h = of_registrar(r);
    if (ask_is_lost(h, HOSTILE_REGISTRAR, "check", n ? names[0] : STR(""))) return no_answer(answer);
    return registrar_check(h->real.registrar, names, n, ret_taken, answer);
}

static enum outcome lookup_name(struct registrar *r, struct str name, struct str key, struct answer *answer) {
    struct hostile *h = of_registrar(r);
    if (ask_is_lost(h, HOSTILE_REGISTRAR, "lookup", name)) return no_answer(answer);
    return registrar_lookup(h->real.registrar, name, key, answer);
}

static enum outcome create_name(struct registrar *r, const struct registrar_create *job, struct answer *answer) {
    struct hostile *h = of_registrar(r);
    enum decline decline = DECLINE_NONE;
    struct late call = {
        .kind = HOSTILE_REGISTRAR, .subject = subject_of(h, HOSTILE_REGISTRAR, job->name), .registrar = *job};
    return act(h, &call, answer, &decline);
}

static const struct registrar_ops registrar_ops = {
    .name = "hostile",
    .check_is_instant = true,
    .check = check_names,
    .lookup = lookup_name,
    .create = create_name,
};

/* --- dns --------------------------------------------------------------------------------------------------------- */

static struct hostile *of_dns(struct dns *d) {
    return ((struct hostile_dns *)d)->hostile;
}

static const struct str *nameservers(struct dns *d, size_t *ret_n) {
    return dns_nameservers(of_dns(d)->real.dns, ret_n);
}

static enum outcome lookup_zone(struct dns *d, struct str zone, const struct rrset *sets, size_t n,
                                struct answer *answer) {
    struct hostile *h = of_dns(d);
    if (ask_is_lost(h, HOSTILE_DNS, "lookup", zone)) return no_answer(answer);
    return dns_lookup(h->real.dns, zone, sets, n, answer);
}

static enum outcome publish_zone(struct dns *d, struct str zone, const struct rrset *sets, size_t n,
                                 struct answer *answer) {
    struct hostile *h = of_dns(d);
    bool is_web = n && strcmp(sets[0].type, "A") == 0;
    char part[300];
    int size = snprintf(part, sizeof part, "%.*s/%s", STR_ARG(zone), is_web ? "web" : "mail");
    struct rrset *copy = ARENA_ARRAY(h->arena, n, struct rrset);
    if (n) memcpy(copy, sets, n * sizeof *sets);
    enum decline decline = DECLINE_NONE;
    struct late call = {.kind = HOSTILE_DNS, .subject = subject_of(h, HOSTILE_DNS, (struct str){part, (size_t)size})};
    call.dns.zone = zone;
    call.dns.sets = copy;
    call.dns.n = n;
    return act(h, &call, answer, &decline);
}

static const struct dns_ops dns_ops = {
    .name = "hostile",
    .nameservers = nameservers,
    .lookup = lookup_zone,
    .publish = publish_zone,
};

/* --- mailbox ----------------------------------------------------------------------------------------------------- */

static struct hostile *of_mailbox(struct mailbox *m) {
    return ((struct hostile_mailbox *)m)->hostile;
}

static enum outcome mail_facts(struct mailbox *m, struct str domain, enum provider provider, struct arena *arena,
                               struct mail_facts *ret, struct answer *answer) {
    struct hostile *h = of_mailbox(m);
    if (ask_is_lost(h, HOSTILE_MAILBOX, "facts of", domain)) return no_answer(answer);
    return mailbox_mail_facts(h->real.mailbox, domain, provider, arena, ret, answer);
}

static enum outcome lookup_address(struct mailbox *m, struct str email, struct str key, struct answer *answer) {
    struct hostile *h = of_mailbox(m);
    if (ask_is_lost(h, HOSTILE_MAILBOX, "lookup", email)) return no_answer(answer);
    return mailbox_lookup(h->real.mailbox, email, key, answer);
}

static enum outcome create_address(struct mailbox *m, const struct mailbox_create *job, struct answer *answer) {
    struct hostile *h = of_mailbox(m);
    enum decline decline = DECLINE_NONE;
    struct late call = {
        .kind = HOSTILE_MAILBOX, .subject = subject_of(h, HOSTILE_MAILBOX, job->email), .mailbox = *job};
    return act(h, &call, answer, &decline);
}

/* Another subject than its creation: an address that was refused can still be removed. */
static enum outcome remove_address(struct mailbox *m, struct str email, struct str key, struct answer *answer) {
    struct hostile *h = of_mailbox(m);
    char text[300];
    int size = snprintf(text, sizeof text, "%.*s/removal", STR_ARG(email));
    enum decline decline = DECLINE_NONE;
    struct late call = {.kind = HOSTILE_MAILBOX,
                        .subject = subject_of(h, HOSTILE_MAILBOX, (struct str){text, (size_t)size}),
                        .is_removal = true,
                        .mailbox = {.email = email, .key = key}};
    return act(h, &call, answer, &decline);
}

static const struct mailbox_ops mailbox_ops = {
    .name = "hostile",
    .mail_facts = mail_facts,
    .lookup = lookup_address,
    .create = create_address,
    .remove = remove_address,
};

/* --- payment ----------------------------------------------------------------------------------------------------- */

static struct hostile *of_payment(struct payment *p) {
    return ((struct hostile_payment *)p)->hostile;
}

static enum outcome describe(struct payment *p, struct str token, struct card_facts *ret, struct answer *answer) {
    struct hostile *h = of_payment(p);
    if (ask_is_lost(h, HOSTILE_PAYMENT, "describe", token)) return no_answer(answer);
    return payment_describe(h->real.payment, token, ret, answer);
}

static enum outcome charge(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    struct hostile *h = of_payment(p);
    struct late call = {.kind = HOSTILE_PAYMENT, .subject = subject_of(h, HOSTILE_PAYMENT, job->key), .payment = *job};
    enum decline decline = DECLINE_NONE;
    enum outcome outcome = act(h, &call, &answer->answer, &decline);
    answer->decline = decline;
    return outcome;
}

static enum outcome close_key(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    struct hostile *h = of_payment(p);
    if (is_off(h)) return no_answer(&answer->answer);
    wait_a_while(h);
    if (is_off(h)) return no_answer(&answer->answer);
    enum fate fate = draw_fate(h, false, false);
    const char *shown = "the power goes";
    enum outcome outcome = OUTCOME_UNKNOWN;
    if (fate != FATE_LOST && fate != FATE_CUT_BEFORE) {
        outcome = payment_close(h->real.payment, job, answer);
        shown = outcome == OUTCOME_DONE      ? "it was charged"
                : outcome == OUTCOME_REFUSED ? "not charged, closed"
                                             : "unknown";
    }
    if (fate != FATE_PASS) {
        outcome = no_answer(&answer->answer);
        if (fate == FATE_LOST) shown = "lost on its way";
        if (fate == FATE_ANSWER_LOST) shown = "done, answer lost";
        if (fate == FATE_CUT_BEFORE || fate == FATE_CUT_AFTER) crashfs_power_off(h->config.fs);
    }
    note(h, HOSTILE_PAYMENT, "close", job->key, shown);
    return outcome;
}

static enum outcome refund(struct payment *p, const struct payment_refund *job, struct payment_answer *answer) {
    struct hostile *h = of_payment(p);
    if (is_off(h)) return no_answer(&answer->answer);
    return payment_refund(h->real.payment, job, answer);
}

static enum outcome movements(struct payment *p, int64_t from_ms, payment_movement_fn *each, void *arg,
                              struct answer *answer) {
    return payment_movements(of_payment(p)->real.payment, from_ms, each, arg, answer);
}

static const struct payment_ops payment_ops = {
    .name = "sandbox",
    .describe = describe,
    .charge = charge,
    .close = close_key,
    .refund = refund,
    .movements = movements,
};

/* --- the world --------------------------------------------------------------------------------------------------- */

/* --- the receiver of webhooks ------------------------------------------------------------------------------------ */

/* What follows NAME in TEXT, up to END (and END at the text's end). */
static struct str part_of(struct str text, const char *name, char end, struct str *ret_rest) {
    size_t n = strlen(name);
    *ret_rest = STR("");
    for (size_t i = 0; i + n <= text.n; i++)
        if (memcmp(text.p + i, name, n) == 0)
            return str_cut((struct str){text.p + i + n, text.n - i - n}, end, ret_rest);
    return STR("");
}

static void be_told(struct hostile *h, const struct hook_post *post) {
    struct str body = arena_str(h->arena, post->body), rest, payload;
    struct hostile_told told = {
        .body = body,
        .type = part_of(body, "\"event_type\":\"", '"', &rest),
        .event_id = part_of(body, "\"event_id\":\"", '"', &rest),
        .domain = part_of(body, "\"domain\":\"", '"', &rest),
        .workspace_id = part_of(body, "\"organization\":\"", '"', &payload),
    };
    told.payload = payload;
    if (told.payload.n && told.payload.p[0] == ',') told.payload.p++, told.payload.n--;
    for (size_t i = 0; i < h->n_told; i++) {
        if (!str_eq(h->told[i].event_id, told.event_id)) continue;
        h->told_otherwise |= !str_eq(h->told[i].body, body);
        return;
    }
    if (h->n_told == TOLD_MAX) {
        fputs("dfyd-sim: too many events\n", stderr);
        abort();
    }
    h->told[h->n_told++] = told;
}

static enum outcome receive(struct hook *hook, const struct hook_post *post, struct hook_answer *ret) {
    struct hostile *h = ((struct hostile_hook *)hook)->hostile;
    if (is_off(h)) return no_answer(&ret->answer);
    wait_a_while(h);
    if (is_off(h)) return no_answer(&ret->answer);
    enum fate fate = draw_fate(h, false, false);
    bool comes = fate == FATE_PASS || fate == FATE_ANSWER_LOST || fate == FATE_CUT_AFTER;
    if (comes) be_told(h, post);
    if (fate == FATE_CUT_BEFORE || fate == FATE_CUT_AFTER) crashfs_power_off(h->config.fs);
    struct str rest, type = part_of(post->body, "\"event_type\":\"", '"', &rest);
    history_add(h->config.history, "receiver: %.*s %s%s", STR_ARG(type), comes ? "comes" : "is lost",
                fate == FATE_PASS ? "" : ", no answer");
    return fate == FATE_PASS ? OUTCOME_DONE : no_answer(&ret->answer);
}

static const struct hook_ops hook_ops = {.name = "hostile", .post = receive};

const struct hostile_told *hostile_told(const struct hostile *h, size_t *ret_n) {
    *ret_n = h->n_told;
    return h->told;
}

bool hostile_told_otherwise(const struct hostile *h) {
    return h->told_otherwise;
}

bool hostile_create(const struct hostile_config *config, struct hostile **ret, struct error *reterr) {
    struct sandbox_book *book;
    if (!sandbox_book_open(":memory:", config->clock, &book, reterr)) return false;
    struct arena *arena = arena_create(65536);
    struct hostile *h = ARENA_NEW(arena, struct hostile);
    h->config = *config;
    h->arena = arena;
    h->book = book;
    h->subjects = ARENA_ARRAY(arena, SUBJECTS_MAX, struct subject);
    h->told = ARENA_ARRAY(arena, TOLD_MAX, struct hostile_told);
    h->closed = ARENA_ARRAY(arena, SUBJECTS_MAX, struct str);
    h->real = (struct drivers){
        .registrar = registrar_sandbox_create(book),
        .dns = dns_sandbox_create(book),
        .mailbox = mailbox_sandbox_create(book),
        .payment = payment_sandbox_create(book),
        .book = book,
    };
    h->registrar = (struct hostile_registrar){{&registrar_ops}, h};
    h->dns = (struct hostile_dns){{&dns_ops}, h};
    h->mailbox = (struct hostile_mailbox){{&mailbox_ops}, h};
    h->payment = (struct hostile_payment){{&payment_ops}, h};
    h->hook = (struct hostile_hook){{&hook_ops}, h};
    *ret = h;
    return true;
}

void hostile_destroy(struct hostile *h) {
    if (!h) return;
    registrar_destroy(h->real.registrar);
    dns_destroy(h->real.dns);
    mailbox_destroy(h->real.mailbox);
    payment_destroy(h->real.payment);
    sandbox_book_close(h->book);
    arena_destroy(h->arena);
}

struct drivers hostile_drivers(struct hostile *h) {
    return (struct drivers){
        .registrar = &h->registrar.base,
        .dns = &h->dns.base,
        .mailbox = &h->mailbox.base,
        .payment = &h->payment.base,
        .hook = &h->hook.base,
        .book = h->book,
    };
}

struct sandbox_book *hostile_book(struct hostile *h) {
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
