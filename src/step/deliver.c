#include "step/deliver.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "driver/hook/hook.h"
#include "step/event_text.h"

enum {
    HAND_OUT_MAX = 500,    /* events in one transaction */
    BATCH = 16,            /* deliveries to one webhook in one lease */
    TIMEOUT_MS = 10000,    /* of one delivery */
    LEASE_MS = 60000,      /* no delivery is begun that could outlast it */
    SEEMS_DEAD_AFTER = 3,  /* failures in a row */
    DEAD_WAIT_FACTOR = 10, /* the first wait for a receiver that seems dead, in retry waits */
    DEAD_WAIT_MAX = 300,   /* the longest */
    OWN_HEADERS = 2,
    HEADER_TEXT = 128,
    REASON_TEXT = sizeof((struct answer *)0)->reason,
    SECRET_BYTES = 32,
    SIGNATURE_BYTES = crypto_auth_hmacsha256_BYTES,
};

/* Waits before each further try, in twentieths of the first one: 2 s, 5 s, 1 min, 5 min, 30 min, 2 h, 8 h, then a day
 * when the first is 2 s. Three tries begin within 30 s even if each takes its 10 s. */
static const int64_t waits[] = {20, 50, 600, 3000, 18000, 72000, 288000, 864000};

static int64_t wait_after(const struct world *world, int64_t failed_tries) {
    size_t i = failed_tries < (int64_t)ARRAY_LEN(waits) ? (size_t)failed_tries : ARRAY_LEN(waits);
    return waits[i ? i - 1 : 0] * world->hook_retry_ms / 20;
}

struct str deliver_make_secret(const struct world *world, struct arena *arena) {
    unsigned char bytes[SECRET_BYTES];
    char hex[2 * SECRET_BYTES + 1];
    rng_fill(world->rng, bytes, sizeof bytes);
    sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
    struct str secret = arena_printf(arena, "whsec_%s", hex);
    sodium_memzero(bytes, sizeof bytes);
    sodium_memzero(hex, sizeof hex);
    return secret;
}

/* ---- what is sent ---- */

static void sign(struct str secret, int64_t unix_s, struct str body, char ret_text[HEADER_TEXT]) {
    char stamp[24], hex[2 * SIGNATURE_BYTES + 1];
    unsigned char signature[SIGNATURE_BYTES];
    snprintf(stamp, sizeof stamp, "%lld.", (long long)unix_s);
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret.p, secret.n);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)stamp, strlen(stamp));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body.p, body.n);
    crypto_auth_hmacsha256_final(&state, signature);
    sodium_bin2hex(hex, sizeof hex, signature, sizeof signature);
    snprintf(ret_text, HEADER_TEXT, "t=%lld,v1=%s", (long long)unix_s, hex);
}

/* What is the same for all deliveries of a batch. */
struct envelope {
    const struct world *world;
    const struct webhook *webhook;
    struct arena *arena;
    struct str secret;
    struct hook_header *headers; /* OWN_HEADERS of them are still empty, at the front */
    size_t n_headers;
    int64_t timeout_ms;
};

static bool read_headers(struct envelope *e, struct error *reterr) {
    struct str lines = STR("");
    const struct maybe *sealed = &e->webhook->sealed_headers;
    if (sealed->is_set && !vault_open_sealed(e->world->vault, sealed->text, e->arena, &lines, reterr)) return false;
    size_t n = OWN_HEADERS;
    for (size_t i = 0; i < lines.n; i++) n += lines.p[i] == '\n';
    e->headers = ARENA_ARRAY(e->arena, n, struct hook_header);
    e->n_headers = OWN_HEADERS;
    while (lines.n && e->n_headers < n) {
        struct hook_header *header = &e->headers[e->n_headers++];
        header->name = str_cut(str_cut(lines, '\n', &lines), ':', &header->value);
    }
    return true;
}

static bool open_envelope(struct envelope *e, struct str sealed_secret, struct error *reterr) {
    return vault_open_sealed(e->world->vault, sealed_secret, e->arena, &e->secret, reterr) && read_headers(e, reterr);
}

static enum outcome send_one(const struct envelope *e, const struct delivery *delivery, struct hook_answer *ret) {
    const struct world *world = e->world;
    char id[UUID_TEXT], signature[HEADER_TEXT];
    event_id(world, delivery->seq, id);
    const struct feed_event event = {
        .seq = delivery->seq,
        .workspace_id = e->webhook->workspace_id,
        .type = delivery->type,
        .payload = delivery->payload,
        .created_ms = delivery->created_ms,
    };
    struct str body = event_text(world, &event, e->arena);
    sign(e->secret, clock_now(world->clock) / 1000, body, signature);
    e->headers[0] = (struct hook_header){STR("X-Dfyd-Event-Id"), str_of(id)};
    e->headers[1] = (struct hook_header){STR("X-Dfyd-Signature"), str_of(signature)};
    const struct hook_post post = {
        .url = e->webhook->target,
        .body = body,
        .headers = e->headers,
        .n_headers = e->n_headers,
        .timeout_ms = e->timeout_ms,
        .may_be_private = world->hook_private_targets,
    };
    return hook_post(world->drivers->hook, &post, ret);
}

/* ---- a round ---- */

struct round {
    int64_t now_ms;
    struct arena *arena;
    size_t n_handed_out;
    struct delivery_batch batch;
};

static bool begin_change(struct db *db, void *arg, struct error *reterr) {
    struct round *r = arg;
    const struct delivery_claim claim = {.now_ms = r->now_ms, .lease_until_ms = r->now_ms + LEASE_MS, .max = BATCH};
    return delivery_hand_out(db, r->now_ms, HAND_OUT_MAX, &r->n_handed_out, reterr) &&
           delivery_claim(db, &claim, r->arena, &r->batch, reterr);
}

/* Whether an earlier delivery of the same domain failed in this batch. */
static bool must_wait(const struct delivery_batch *batch, size_t at) {
    for (size_t i = 0; i < at && batch->deliveries[at].domain.n; i++)
        if (batch->deliveries[i].end == DELIVERY_FAILED &&
            str_eq(batch->deliveries[i].domain, batch->deliveries[at].domain))
            return true;
    return false;
}

static void log_failure(const struct delivery_batch *batch, const struct delivery *delivery, const char *reason) {
    char next[TIME_TEXT];
    time_format(delivery->again_ms, next);
    log_event(LOG_WARN, "delivery_failed", LOG_STR("webhook", batch->webhook.id),
              LOG_STR("workspace", batch->webhook.workspace_id), LOG_STR("type", delivery->type),
              LOG_STR("domain", delivery->domain), LOG_INT("attempt", delivery->attempts + 1),
              LOG_TEXT("reason", reason), LOG_TEXT("next", next));
}

/* Tries one delivery and notes in RECORD what came of it. */
static void try_one(const struct envelope *e, const struct delivery_batch *batch, struct delivery *delivery,
                    struct delivery_record *record, char reason[REASON_TEXT]) {
    const struct world *world = e->world;
    struct hook_answer answer;
    enum outcome outcome = send_one(e, delivery, &answer);
    world_reached(world, "deliver.sent");
    if (outcome == OUTCOME_DONE || WORLD_PLANTED(world, PLANT_TELL_ONCE)) {
        delivery->end = DELIVERY_DONE;
        record->failures = 0;
        reason[0] = '\0';
        return;
    }
    int64_t tries = delivery->attempts + 1;
    delivery->end = DELIVERY_FAILED;
    delivery->again_ms = clock_now(world->clock) + wait_after(world, tries);
    record->failures++;
    record->switch_off |= tries >= world->hook_tries;
    snprintf(reason, REASON_TEXT, "%s", answer.answer.reason);
    log_failure(batch, delivery, reason);
}

static void send_batch(const struct envelope *e, const struct delivery_batch *batch, int64_t begun_ms,
                       struct delivery_record *record, char reason[REASON_TEXT]) {
    for (size_t i = 0; i < batch->n; i++) {
        int64_t passed = clock_now(e->world->clock) - begun_ms;
        bool seems_dead = record->failures >= SEEMS_DEAD_AFTER && i > 0;
        if (passed < 0 || passed > LEASE_MS - 2 * TIMEOUT_MS || record->switch_off || seems_dead) return;
        if (!must_wait(batch, i) || WORLD_PLANTED(e->world, PLANT_TELL_ANYHOW))
            try_one(e, batch, &batch->deliveries[i], record, reason);
    }
}

struct finish {
    struct delivery_record record;
    bool stale;
};

static bool finish_change(struct db *db, void *arg, struct error *reterr) {
    struct finish *f = arg;
    return delivery_finish(db, &f->record, &f->stale, reterr);
}

/* A receiver that failed several times in a row is left alone for a growing while, whatever else waits for it. */
static int64_t leave_alone_until(const struct world *world, int64_t failures, int64_t now_ms) {
    if (failures < SEEMS_DEAD_AFTER) return 0;
    return now_ms + world_backoff_ms(world, failures - SEEMS_DEAD_AFTER + 1, world->hook_retry_ms * DEAD_WAIT_FACTOR,
                                     world->hook_retry_ms * DEAD_WAIT_MAX);
}

static bool deliver_batch(const struct world *world, struct delivery_batch *batch, int64_t begun_ms,
                          struct arena *arena, struct error *reterr) {
    struct envelope envelope = {.world = world, .webhook = &batch->webhook, .arena = arena, .timeout_ms = TIMEOUT_MS};
    struct error error = {0};
    char reason[REASON_TEXT];
    snprintf(reason, sizeof reason, "%.*s", STR_ARG(batch->webhook.reason));
    struct finish finish = {.record = {.batch = batch, .failures = batch->failures}};
    if (batch->n && open_envelope(&envelope, batch->sealed_secret, &error)) {
        send_batch(&envelope, batch, begun_ms, &finish.record, reason);
    } else if (batch->n) {
        /* A wrong secret.key can be mended: nothing is lost, and it is said what is wrong. */
        finish.record.failures++;
        snprintf(reason, sizeof reason, "%.*s", REASON_TEXT - 1, error.message);
    }
    finish.record.reason = str_of(reason);
    finish.record.now_ms = clock_now(world->clock);
    finish.record.not_before_ms = leave_alone_until(world, finish.record.failures, finish.record.now_ms);
    if (!store_write_of(world->store, batch->webhook.workspace_id, finish_change, &finish, reterr)) return false;
    world_reached(world, "deliver.recorded");
    if (finish.record.switch_off && !finish.stale)
        log_event(LOG_WARN, "webhook_switched_off", LOG_STR("webhook", batch->webhook.id),
                  LOG_STR("workspace", batch->webhook.workspace_id), LOG_TEXT("reason", reason),
                  LOG_TEXT("next", "kept until it is resumed, for 30 days"));
    return true;
}

bool deliver_due(const struct world *world, size_t *ret_n, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(16384);
    struct round round = {.now_ms = clock_now(world->clock), .arena = arena};
    if (!store_claim(world->store, begin_change, &round, reterr)) return false;
    *ret_n = round.n_handed_out + round.batch.n;
    if (!round.batch.webhook.id.n) return true;
    world_reached(world, "deliver.claimed");
    return deliver_batch(world, &round.batch, round.now_ms, arena, reterr);
}

/* ---- a sample ---- */

bool deliver_sample(const struct world *world, const struct webhook *webhook, struct str sealed_secret,
                    int64_t timeout_ms, bool *ret_arrived, struct hook_answer *ret, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct envelope envelope = {.world = world, .webhook = webhook, .arena = arena, .timeout_ms = timeout_ms};
    if (!open_envelope(&envelope, sealed_secret, reterr)) return false;
    bool is_any = !webhook->event_type.is_set || str_is(webhook->event_type.text, "all_events");
    int64_t random;
    rng_fill(world->rng, &random, sizeof random);
    const struct delivery sample = {
        .seq = random | INT64_MIN, /* no event has a negative number */
        .type = is_any ? STR("dfy_domain_ready") : webhook->event_type.text,
        .payload = STR("{\"domain\":\"sample.example\",\"test\":true}"),
        .created_ms = clock_now(world->clock),
    };
    *ret_arrived = send_one(&envelope, &sample, ret) == OUTCOME_DONE;
    return true;
}
