/* The registrar, the DNS host and the mail host, as the hostile world lets them be reached. */
#include <stdio.h>
#include <string.h>

#include "hostile_inside.h"

/* --- registrar --------------------------------------------------------------------------------------------------- */

static struct hostile *of_registrar(struct registrar *r) {
    return ((struct hostile_registrar *)r)->hostile;
}

static enum outcome check_names(struct registrar *r, const struct str *names, size_t n, bool *ret_taken,
                                struct answer *answer) {
    struct hostile *h = of_registrar(r);
    if (hostile_ask_is_lost(h, HOSTILE_REGISTRAR, "check", n ? names[0] : STR(""))) return hostile_no_answer(answer);
    return registrar_check(h->real.registrar, names, n, ret_taken, answer);
}

static enum outcome lookup_name(struct registrar *r, struct str name, struct str key, struct answer *answer) {
    struct hostile *h = of_registrar(r);
    if (hostile_ask_is_lost(h, HOSTILE_REGISTRAR, "lookup", name)) return hostile_no_answer(answer);
    return registrar_lookup(h->real.registrar, name, key, answer);
}

static enum outcome create_name(struct registrar *r, const struct registrar_create *job, struct answer *answer) {
    struct hostile *h = of_registrar(r);
    struct late call = {
        .call = CALL_REGISTER, .subject = hostile_subject(h, HOSTILE_REGISTRAR, job->name), .registrar = *job};
    return hostile_act(h, &call, answer);
}

/* A subject for each year: a name that one year was refused for is still registered. */
static enum outcome renew_name(struct registrar *r, const struct registrar_renew *job, struct answer *answer) {
    struct hostile *h = of_registrar(r);
    char text[300];
    int size = snprintf(text, sizeof text, "%.*s/year %d", STR_ARG(job->name), job->years);
    struct late call = {.call = CALL_RENEW,
                        .subject = hostile_subject(h, HOSTILE_REGISTRAR, (struct str){text, (size_t)size}),
                        .renewal = *job};
    return hostile_act(h, &call, answer);
}

const struct registrar_ops hostile_registrar_ops = {
    .name = "hostile",
    .check_is_instant = true,
    .check = check_names,
    .lookup = lookup_name,
    .create = create_name,
    .renew = renew_name,
};

/* --- dns --------------------------------------------------------------------------------------------------------- */

static struct hostile *of_dns(struct dns *d) {
    return ((struct hostile_dns *)d)->hostile;
}

static const struct str *nameservers(struct dns *d, size_t *ret_n) {
    return dns_nameservers(of_dns(d)->real.dns, ret_n);
}

static enum outcome fetch_zone(struct dns *d, struct str zone, const struct rrset *sets, size_t n, struct arena *arena,
                               struct dns_zone *ret, struct answer *answer) {
    struct hostile *h = of_dns(d);
    if (hostile_ask_is_lost(h, HOSTILE_DNS, "fetch", zone)) return hostile_no_answer(answer);
    return dns_fetch(h->real.dns, zone, sets, n, arena, ret, answer);
}

/* The web part is about addresses, the mail part about everything else. */
static bool is_web(const struct zone_change *changes, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(changes[i].to.type, "A") == 0) return true;
    return false;
}

static enum outcome change_zone(struct dns *d, struct str zone, const struct zone_change *changes, size_t n,
                                struct answer *answer) {
    struct hostile *h = of_dns(d);
    char part[300];
    int size = snprintf(part, sizeof part, "%.*s/%s", STR_ARG(zone), is_web(changes, n) ? "web" : "mail");
    struct zone_change *copy = ARENA_ARRAY(h->arena, n, struct zone_change);
    if (n) memcpy(copy, changes, n * sizeof *changes);
    struct late call = {.call = CALL_CHANGE,
                        .subject = hostile_subject(h, HOSTILE_DNS, (struct str){part, (size_t)size})};
    call.dns.zone = zone;
    call.dns.changes = copy;
    call.dns.n = n;
    return hostile_act(h, &call, answer);
}

const struct dns_ops hostile_dns_ops = {
    .name = "hostile",
    .nameservers = nameservers,
    .fetch = fetch_zone,
    .change = change_zone,
};

/* --- resolver ---------------------------------------------------------------------------------------------------- */

static enum outcome ask_resolver(struct resolver *r, struct str name, const char *type, struct arena *arena,
                                 struct rrset *ret, struct answer *answer) {
    struct hostile *h = ((struct hostile_resolver *)r)->hostile;
    if (hostile_ask_is_lost(h, HOSTILE_RESOLVER, type, name)) return hostile_no_answer(answer);
    return resolver_ask(h->real.resolver, name, type, arena, ret, answer);
}

const struct resolver_ops hostile_resolver_ops = {.name = "hostile", .ask = ask_resolver};

/* --- mailbox ----------------------------------------------------------------------------------------------------- */

static struct hostile *of_mailbox(struct mailbox *m) {
    return ((struct hostile_mailbox *)m)->hostile;
}

static enum outcome mail_facts(struct mailbox *m, struct str domain, enum provider provider, struct arena *arena,
                               struct mail_facts *ret, struct answer *answer) {
    struct hostile *h = of_mailbox(m);
    if (hostile_ask_is_lost(h, HOSTILE_MAILBOX, "facts of", domain)) return hostile_no_answer(answer);
    return mailbox_mail_facts(h->real.mailbox, domain, provider, arena, ret, answer);
}

static enum outcome lookup_address(struct mailbox *m, struct str email, struct str key, struct answer *answer) {
    struct hostile *h = of_mailbox(m);
    if (hostile_ask_is_lost(h, HOSTILE_MAILBOX, "lookup", email)) return hostile_no_answer(answer);
    return mailbox_lookup(h->real.mailbox, email, key, answer);
}

static enum outcome create_address(struct mailbox *m, const struct mailbox_create *job, struct answer *answer) {
    struct hostile *h = of_mailbox(m);
    struct late call = {
        .call = CALL_CREATE, .subject = hostile_subject(h, HOSTILE_MAILBOX, job->email), .mailbox = *job};
    return hostile_act(h, &call, answer);
}

/* Another subject than its creation: an address that was refused can still be removed. */
static enum outcome remove_address(struct mailbox *m, struct str email, struct str key, struct answer *answer) {
    struct hostile *h = of_mailbox(m);
    char text[300];
    int size = snprintf(text, sizeof text, "%.*s/removal", STR_ARG(email));
    struct late call = {.call = CALL_REMOVE,
                        .subject = hostile_subject(h, HOSTILE_MAILBOX, (struct str){text, (size_t)size}),
                        .mailbox = {.email = email, .key = key}};
    return hostile_act(h, &call, answer);
}

static enum outcome set_access(struct mailbox *m, const struct mailbox_access *job, struct answer *answer) {
    struct hostile *h = of_mailbox(m);
    char text[300];
    int size = snprintf(text, sizeof text, "%.*s/access", STR_ARG(job->email));
    struct late call = {.call = CALL_ACCESS,
                        .subject = hostile_subject(h, HOSTILE_MAILBOX, (struct str){text, (size_t)size}),
                        .access = *job};
    return hostile_act(h, &call, answer);
}

/* Each move may be refused by itself. */
static enum outcome set_dkim(struct mailbox *m, const struct mailbox_dkim *move, struct answer *answer) {
    struct hostile *h = of_mailbox(m);
    char text[300];
    int size = snprintf(text, sizeof text, "%.*s/key %lld %s", STR_ARG(move->domain), (long long)move->rotation,
                        dkim_phase_names[move->phase]);
    struct late call = {.call = CALL_KEYS,
                        .subject = hostile_subject(h, HOSTILE_MAILBOX, (struct str){text, (size_t)size}),
                        .keys = *move};
    return hostile_act(h, &call, answer);
}

static enum outcome verify(struct mailbox *m, const struct mailbox_login *login, struct answer *answer) {
    struct hostile *h = of_mailbox(m);
    if (hostile_ask_is_lost(h, HOSTILE_MAILBOX, "verify", login->email)) return hostile_no_answer(answer);
    return mailbox_verify(h->real.mailbox, login, answer);
}

const struct mailbox_ops hostile_mailbox_ops = {
    .name = "hostile",
    .providers = 1 << PROVIDER_GOOGLE | 1 << PROVIDER_AIRMAIL | 1 << PROVIDER_MICROSOFT,
    .mail_facts = mail_facts,
    .lookup = lookup_address,
    .create = create_address,
    .remove = remove_address,
    .set_access = set_access,
    .set_dkim = set_dkim,
    .verify = verify,
};
