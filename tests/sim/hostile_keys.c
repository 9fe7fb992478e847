/* What is signed can be verified: looked at whenever keys were really moved, or records really changed. */
#include <stdio.h>

#include "hostile_inside.h"

/* The clock may be set back a little while a key signs. */
static const int64_t set_back_ms = INT64_C(4) * 3600 * 1000;

static struct keys *keys_of(struct hostile *h, struct str domain) {
    for (size_t i = 0; i < h->n_keys; i++)
        if (str_eq(h->keys[i].domain, domain)) return &h->keys[i];
    struct keys *keys = &h->keys[h->n_keys < SUBJECTS_MAX ? h->n_keys++ : 0];
    *keys = (struct keys){.domain = arena_str(h->arena, domain), .rotation = 1, .phase = DKIM_SOLE};
    return keys;
}

static int64_t place(int64_t rotation, enum dkim_phase phase) {
    return (rotation - 1) * DKIM_PHASE_END + (int64_t)phase;
}

#define FAULT(h, ...) ((h)->fault[0] ? 0 : snprintf((h)->fault, sizeof(h)->fault, __VA_ARGS__))

static bool is_there(struct hostile *h, struct str domain, const struct dkim_record *record, struct arena *arena) {
    struct rrset set = {.type = "TXT"}, seen;
    struct dns_zone zone;
    set.name = arena_printf(arena, "%.*s._domainkey.%.*s", STR_ARG(record->selector), STR_ARG(domain));
    return dns_fetch(h->real.dns, domain, &set, 1, arena, &zone, NULL) == OUTCOME_DONE &&
           rrset_has(&zone.served.sets[0], record->value) &&
           resolver_ask(h->real.resolver, set.name, set.type, arena, &seen, NULL) == OUTCOME_DONE &&
           rrset_has(&seen, record->value);
}

/* All but one that is only announced: it signs, or has signed what is still in flight. */
static void check_records(struct hostile *h, struct keys *keys) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct mail_facts facts;
    if (mailbox_mail_facts(h->real.mailbox, keys->domain, PROVIDER_GOOGLE, arena, &facts, NULL) != OUTCOME_DONE) return;
    size_t n = facts.n_dkim - (keys->phase == DKIM_ANNOUNCED);
    for (size_t i = 0; i < n; i++) {
        bool there = is_there(h, keys->domain, &facts.dkim[i], arena);
        if (!there && keys->is_published)
            FAULT(h, "%.*s signs, or signed a while ago, with %.*s, whose record is not there", STR_ARG(keys->domain),
                  STR_ARG(facts.dkim[i].selector));
        keys->is_published |= there;
    }
}

void hostile_keys_moved(struct hostile *h, const struct mailbox_dkim *move) {
    struct keys *keys = keys_of(h, move->domain);
    int64_t from = place(keys->rotation, keys->phase), to = place(move->rotation, move->phase);
    if (to <= from) return; /* one that came late changes nothing */
    if (to != from + 1)
        FAULT(h, "the keys of %.*s moved to %s of %lld from %s of %lld", STR_ARG(move->domain),
              dkim_phase_names[move->phase], (long long)move->rotation, dkim_phase_names[keys->phase],
              (long long)keys->rotation);
    int64_t now = clock_now(h->config.clock);
    if (move->phase == DKIM_SOLE && now + set_back_ms < keys->signed_ms + h->config.dkim_overlap_ms)
        FAULT(h, "key %lld of %.*s is erased %lld s after it signed last", (long long)move->rotation - 1,
              STR_ARG(move->domain), (long long)(now - keys->signed_ms) / 1000);
    h->key_moves++;
    keys->rotation = move->rotation;
    keys->phase = move->phase;
    if (move->phase == DKIM_SIGNING) keys->signed_ms = now;
    check_records(h, keys);
}

void hostile_records_changed(struct hostile *h, struct str zone) {
    check_records(h, keys_of(h, zone));
}

int64_t hostile_keys(const struct hostile *h, struct str domain) {
    for (size_t i = 0; i < h->n_keys; i++)
        if (str_eq(h->keys[i].domain, domain)) return place(h->keys[i].rotation, h->keys[i].phase);
    return DKIM_SOLE;
}

int64_t hostile_key_moves(const struct hostile *h) {
    return h->key_moves;
}

struct str hostile_keys_fault(const struct hostile *h) {
    return str_of(h->fault);
}
