#include "step/provision.h"

#include "base/log.h"
#include "core/target.h"
#include "driver/dns/dns.h"
#include "driver/mailbox/mailbox.h"
#include "driver/registrar/registrar.h"
#include "step/zone.h"
#include "store/forwarding.h"

struct claim {
    int64_t now_ms, lease_until_ms;
    size_t max;
    struct arena *arena;
    struct step *steps;
    size_t n;
};

static bool claim_change(struct db *db, void *arg, struct error *reterr) {
    struct claim *c = arg;
    return step_claim(db, c->now_ms, c->lease_until_ms, c->max, c->arena, &c->steps, &c->n, reterr);
}

bool provision_claim(const struct world *world, size_t max, struct arena *arena, struct step **ret, size_t *ret_n,
                     struct error *reterr) {
    int64_t now = clock_now(world->clock);
    struct claim claim = {.now_ms = now, .lease_until_ms = now + world->lease_ms, .max = max, .arena = arena};
    if (!store_claim(world->store, claim_change, &claim, reterr)) return false;
    if (claim.n) world_reached(world, "step.claimed");
    *ret = claim.steps;
    *ret_n = claim.n;
    return true;
}

struct keeping {
    struct step *step;
    int64_t until_ms;
    bool held;
};

static bool keep_change(struct db *db, void *arg, struct error *reterr) {
    struct keeping *k = arg;
    return step_extend(db, k->step, k->until_ms, &k->held, reterr);
}

bool provision_keep(const struct world *world, struct step *step, bool *ret_held, struct error *reterr) {
    int64_t now = clock_now(world->clock);
    struct keeping keeping = {.step = step, .until_ms = now + world->lease_ms, .held = true};
    if (step->due_ms - now < world->lease_ms / 4 * 3 && !store_claim(world->store, keep_change, &keeping, reterr))
        return false;
    *ret_held = keeping.held;
    return true;
}

struct giving {
    struct step *steps;
    size_t n;
    int64_t now_ms;
};

static bool give_back_change(struct db *db, void *arg, struct error *reterr) {
    const struct giving *g = arg;
    for (size_t i = 0; i < g->n; i++) {
        bool held;
        if (!step_extend(db, &g->steps[i], g->now_ms, &held, reterr)) return false;
    }
    return true;
}

bool provision_give_back(const struct world *world, struct step *steps, size_t n, struct error *reterr) {
    struct giving giving = {steps, n, clock_now(world->clock)};
    return n == 0 || store_claim(world->store, give_back_change, &giving, reterr);
}

/* The key a step acts under: its domain's or account's id, the same at every attempt. */
static struct str step_key(const struct world *world, const struct step *step, struct arena *arena) {
    struct str id = step->account_id.n ? step->account_id : step->domain_id;
    if (!WORLD_PLANTED(world, PLANT_NO_LOOK)) return id;
    return arena_printf(arena, "%.*s-%lld", STR_ARG(id), (long long)step->attempts);
}

/* Look first: DONE and UNKNOWN end the step here; only a clear "it is not so" lets it act, while its lease lasts. */
static bool must_act(const struct world *world, const struct step *step, enum outcome *looked, struct answer *answer) {
    world_reached(world, "step.looked");
    if (WORLD_PLANTED(world, PLANT_NO_LOOK)) return true;
    if (*looked != OUTCOME_REFUSED) return false;
    if (world_lease_lasts(world, step->due_ms)) return true;
    *looked = answer_set(answer, OUTCOME_UNKNOWN, "looking took too long: somebody else may be at it by now");
    return false;
}

static enum outcome register_domain(const struct world *world, const struct step *step, struct arena *arena,
                                    struct answer *answer) {
    struct registrar *registrar = world->drivers->registrar;
    struct registrar_create job = {.name = step->domain, .key = step_key(world, step, arena), .years = 1};
    job.nameservers = dns_nameservers(world->drivers->dns, &job.n_nameservers);
    enum outcome outcome = registrar_lookup(registrar, job.name, job.key, answer);
    return must_act(world, step, &outcome, answer) ? registrar_create(registrar, &job, answer) : outcome;
}

static bool is_held(struct db *db, const void *holder, bool *ret, struct error *reterr) {
    return step_is_held(db, holder, ret, reterr);
}

static enum outcome sync_part(const struct world *world, const struct step *step, enum zone_part part,
                              struct arena *arena, struct answer *answer) {
    const struct zone_job job = {
        .domain_id = step->domain_id,
        .domain = step->domain,
        .part = part,
        .provider = step->provider,
        .forwards = step->forwarding.n > 0, /* both modes are the edge's matter: the records are the same */
        .is_in_use = step->domain_state == DOMAIN_READY || step->domain_state == DOMAIN_PARTIAL,
        .is_change = step->is_change,
        .is_held = is_held,
        .holder = step,
    };
    return zone_sync(world, &job, arena, answer);
}

static enum outcome publish_dns(const struct world *world, const struct step *step, struct arena *arena,
                                struct answer *answer) {
    return sync_part(world, step, ZONE_MAIL, arena, answer);
}

/* A mailbox that is made is not ready before it has been used as its owner would. */
static enum outcome verify_mailbox(const struct world *world, const struct mailbox_create *job, struct answer *answer) {
    const struct mailbox_login login = {.email = job->email, .key = job->key, .password = job->password};
    struct answer why = {0};
    enum outcome outcome = mailbox_verify(world->drivers->mailbox, &login, &why);
    if (outcome == OUTCOME_DONE) return outcome;
    answer->retry_after_ms = why.retry_after_ms;
    return answer_set(answer, OUTCOME_UNKNOWN, "made; not usable yet: %s", why.reason);
}

static enum outcome create_mailbox(const struct world *world, const struct step *step, struct arena *arena,
                                   struct answer *answer) {
    struct mailbox_create job = {
        .email = step->email,
        .first_name = step->first_name,
        .last_name = step->last_name,
        .provider = step->provider,
        .key = step_key(world, step, arena),
    };
    struct error error = {0};
    /* A wrong secret.key can be mended, so this waits instead of failing what was paid for. */
    if (!vault_open_sealed(world->vault, step->sealed_password, arena, &job.password, &error))
        return answer_set(answer, OUTCOME_UNKNOWN, "%s", error.message);
    enum outcome outcome = mailbox_lookup(world->drivers->mailbox, job.email, job.key, answer);
    if (must_act(world, step, &outcome, answer)) outcome = mailbox_create(world->drivers->mailbox, &job, answer);
    /* What is closed for use, because it was not paid, cannot be tried. */
    if (outcome != OUTCOME_DONE || step->is_suspended) return outcome;
    return verify_mailbox(world, &job, answer);
}

static bool read_target(struct db *db, void *arg, struct error *reterr) {
    const struct step *step = arg;
    const struct forwarding to = {.domain = step->domain, .target = step->forwarding};
    return forwarding_leads_on(db, &to, reterr);
}

/* What was ordered; a change was judged when it began. */
static enum outcome judge_target(const struct world *world, const struct step *step, struct answer *answer) {
    struct step asked = *step;
    struct error error = {0};
    if (!world->forwarding_private_targets && target_host_is_private(step->forwarding))
        return answer_set(answer, OUTCOME_REFUSED, "%.*s is a name inside the operator's network",
                          STR_ARG(step->forwarding));
    if (store_read(world->store, read_target, &asked, &error)) return OUTCOME_DONE;
    return answer_set(answer, error.code == ERR_UNPROCESSABLE ? OUTCOME_REFUSED : OUTCOME_UNKNOWN, "%s", error.message);
}

static enum outcome set_forwarding(const struct world *world, const struct step *step, struct arena *arena,
                                   struct answer *answer) {
    if (step->forwarding.n && !step->is_change) {
        enum outcome outcome = judge_target(world, step, answer);
        if (outcome != OUTCOME_DONE) return outcome;
    }
    return sync_part(world, step, ZONE_WEB, arena, answer);
}

/* Not looked for first: it may not be there only because its creation is still on its way. Removing it closes the key.
 */
static enum outcome remove_mailbox(const struct world *world, const struct step *step, struct arena *arena,
                                   struct answer *answer) {
    (void)arena;
    return mailbox_remove(world->drivers->mailbox, step->email, step->account_id, answer);
}

/* Both work towards a target that is kept there, so that doing them twice, or late, does no harm. */
static enum outcome renew_domain(const struct world *world, const struct step *step, struct arena *arena,
                                 struct answer *answer) {
    const struct registrar_renew job = {
        .name = step->domain,
        .key = step_key(world, step, arena),
        .is_pre_warmed = step->is_pre_warmed,
        .years = (int)step->paid_years,
    };
    return registrar_renew(world->drivers->registrar, &job, answer);
}

static enum outcome set_access(const struct world *world, const struct step *step, struct arena *arena,
                               struct answer *answer) {
    (void)arena;
    const struct mailbox_access job = {
        .email = step->email,
        .key = step->account_id,
        .is_allowed = !step->is_suspended,
        .change = step->access_change,
    };
    return mailbox_set_access(world->drivers->mailbox, &job, answer);
}

typedef enum outcome step_action(const struct world *, const struct step *, struct arena *, struct answer *);

static step_action *const actions[STEP_KIND_END] = {
    [STEP_REGISTER_DOMAIN] = register_domain, [STEP_PUBLISH_DNS] = publish_dns,
    [STEP_CREATE_MAILBOX] = create_mailbox,   [STEP_SET_FORWARDING] = set_forwarding,
    [STEP_REMOVE_MAILBOX] = remove_mailbox,   [STEP_RENEW_DOMAIN] = renew_domain,
    [STEP_SET_ACCESS] = set_access,
};

enum outcome provision_act(const struct world *world, const struct step *step, struct arena *arena,
                           struct answer *answer) {
    return actions[step->kind](world, step, arena, answer);
}

struct record {
    const struct step *step;
    struct step_end end;
    bool stale;
};

static bool record_change(struct db *db, void *arg, struct error *reterr) {
    struct record *r = arg;
    return step_record(db, r->step, &r->end, &r->stale, reterr);
}

static void log_end(const struct record *record) {
    const struct step *step = record->step;
    enum log_level level = record->end.state == STEP_DONE ? LOG_INFO : LOG_WARN;
    char next[TIME_TEXT] = "";
    if (record->end.state == STEP_RETRYING) time_format(record->end.again_ms, next);
    log_event(level, record->stale ? "step_lease_lost" : "step_ended", LOG_STR("order", step->order_id),
              LOG_STR("domain", step->domain), LOG_TEXT("step", step_kind_names[step->kind]),
              LOG_TEXT("state", step_state_names[record->end.state]), LOG_INT("attempt", step->attempts),
              LOG_STR("account", step->account_id), LOG_STR("reason", record->end.reason),
              LOG_TEXT("next", record->stale ? WORLD_LEASE_LOST : next));
}

bool provision_run(const struct world *world, const struct step *step, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct answer answer = {0};
    enum outcome outcome = provision_act(world, step, arena, &answer);
    world_reached(world, "step.acted");

    static const enum step_state ends[] = {
        [OUTCOME_DONE] = STEP_DONE, [OUTCOME_REFUSED] = STEP_FAILED, [OUTCOME_UNKNOWN] = STEP_RETRYING};
    int64_t now = clock_now(world->clock);
    int64_t wait = world_wait_ms(world, step->attempts, answer.retry_after_ms);
    struct record record = {
        .step = step,
        .end =
            {
                .state = ends[outcome],
                .reason = outcome == OUTCOME_DONE ? STR("") : str_of(answer.reason),
                .again_ms = now + wait,
                .now_ms = now,
                .ids = world->ids,
                .keeps_money = WORLD_PLANTED(world, PLANT_FORGET_REFUND),
                .swap_ms = world->swap_ms,
            },
    };
    if (!store_write_of(world->store, step->workspace_id, record_change, &record, reterr)) return false;
    world_reached(world, "step.recorded");
    log_end(&record);
    return true;
}
