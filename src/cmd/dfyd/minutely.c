#include "minutely.h"

#include "base/log.h"
#include "driver/dns/dns.h"
#include "driver/mailbox/mailbox.h"
#include "driver/payment/payment.h"
#include "driver/registrar/registrar.h"
#include "store/minutes.h"

enum { WAIT_MS = 1000 };

static void complain(const struct error *error) {
    log_event(LOG_WARN, "minute_not_kept", LOG_TEXT("error", error->message),
              LOG_TEXT("then", "the plots of the console have a gap; counts of drivers come a minute later"));
}

/* ---- the queue ---- */

struct looking {
    int64_t now_ms, minute_ms;
    bool is_kept;
    struct queue_minute found;
};

static bool look_read(struct db *db, void *arg, struct error *reterr) {
    struct looking *l = arg;
    if (!queue_minute_is_kept(db, l->minute_ms, &l->is_kept, reterr)) return false;
    return l->is_kept || queue_look(db, l->now_ms, &l->found, reterr);
}

static bool keep_change(struct db *db, void *arg, struct error *reterr) {
    const struct looking *l = arg;
    return queue_minute_keep(db, &l->found, reterr);
}

/* Looked at outside the change, so that nobody waits for the counting. */
static bool keep_queue(struct store *store, int64_t now_ms, int64_t minute_ms, struct error *reterr) {
    struct looking looking = {.now_ms = now_ms, .minute_ms = minute_ms};
    store_wait_until(clock_steady_ms() + WAIT_MS);
    bool ok = store_read(store, look_read, &looking, reterr);
    store_wait_until(INT64_MAX);
    if (!ok || looking.is_kept) return ok;
    looking.found.minute_ms = minute_ms;
    return store_tally(store, WAIT_MS, keep_change, &looking, reterr);
}

/* ---- the drivers ---- */

static bool add_change(struct db *db, void *arg, struct error *reterr) {
    return driver_minute_add(db, arg, reterr);
}

static bool keep_driver(struct store *store, const char *kind, const char *name, struct tally *tally, int64_t minute_ms,
                        struct error *reterr) {
    struct tallied taken = tally_take(tally);
    if (!taken.done && !taken.refused && !taken.unknown) return true;
    struct driver_minute minute = {
        .minute_ms = minute_ms,
        .kind = str_of(kind),
        .driver = str_of(name),
        .count = {taken.done, taken.refused, taken.unknown, taken.slowest_ms},
        .reason = str_of(taken.reason),
    };
    bool ok = store_tally(store, WAIT_MS, add_change, &minute, reterr);
    /* An answer that was lost may have been kept: then it is not counted twice. */
    if (!ok && reterr->code != ERR_UNSURE) tally_put_back(tally, &taken);
    return ok;
}

static bool keep_drivers(const struct world *world, int64_t minute_ms, struct error *reterr) {
    struct drivers *d = world->drivers;
    struct store *store = world->store;
    return keep_driver(store, "registrar", d->registrar->ops->name, &d->registrar->tally, minute_ms, reterr) &&
           keep_driver(store, "dns", d->dns->ops->name, &d->dns->tally, minute_ms, reterr) &&
           keep_driver(store, "mailbox", d->mailbox->ops->name, &d->mailbox->tally, minute_ms, reterr) &&
           keep_driver(store, "payment", d->payment->ops->name, &d->payment->tally, minute_ms, reterr) &&
           (!d->credit || keep_driver(store, "payment", d->credit->ops->name, &d->credit->tally, minute_ms, reterr));
}

void minutely_run(const struct world *world, bool is_last, int64_t *minute_ms) {
    int64_t now_ms = clock_now(world->clock), minute = now_ms / MINUTE_MS * MINUTE_MS;
    struct error error = {0};
    if (minute == *minute_ms && !is_last) return;
    /* What was counted until now was counted in the minute that is over. */
    int64_t counted = *minute_ms ? *minute_ms : minute;
    *minute_ms = minute;
    bool ok = keep_drivers(world, counted, &error);
    if (!is_last) ok = ok && keep_queue(world->store, now_ms, minute, &error);
    if (!ok) complain(&error);
}
