#include <stdlib.h>
#include <string.h>

#include "api/event_place.h"
#include "api/hub_inside.h"
#include "base/log.h"
#include "step/event_text.h"
#include "worker/node.h"

enum {
    REACH = 20000,                    /* events that are looked back over, at most; who wants more has missed some */
    LOOK_BACK = 1000,                 /* the same for who awakes: older ones are committed by now */
    SEEN_MOST = 10000,                /* then the older half is taken for all there is */
    TELL_MOST = HTTP_STREAM_MOST / 2, /* bytes; who has to be told more at once has missed some */
    WAIT_MS = 2000,                   /* for a shared database */
    RETRY_MS = 1000,                  /* a client whose stream ended comes back after so long, ... */
    RETRY_SPREAD_MS = 1500,           /* ... and up to as long on top, lest all come at once */
};

/* ---- what is asked, and answered ---- */

struct round {
    struct hub *hub;
    struct arena *arena;
    struct str *workspaces, *orders, *keys;
    size_t n_workspaces, n_orders, n_keys;
    bool checks_keys;
    int64_t wished; /* the earliest place that a new follower goes on from */
    /* The answer. */
    struct feed_horizon horizon;
    int64_t base, from; /* what the hub told ended at BASE, what was read begins after FROM */
    struct feed_event *events;
    struct feed_print *prints;
    struct str *valid_keys, *open_sessions;
    size_t n_events, n_prints, n_valid_keys, n_open_sessions;
    /* What is made of it. */
    int64_t settled;            /* no event up to here can come any more */
    struct str *texts, *places; /* of the events; empty: not written yet */
    struct str settled_place;
    struct buf out;
};

static int compare_texts(const void *a, const void *b) {
    const struct str *x = a, *y = b;
    int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return order ? order : (x->n > y->n) - (x->n < y->n);
}

static int compare_print(const void *id, const void *print) {
    return strcmp(id, ((const struct feed_print *)print)->order_id);
}

/* Sorted, each once. */
static size_t tidy(struct str *texts, size_t n) {
    size_t kept = 0;
    if (n) qsort(texts, n, sizeof *texts, compare_texts);
    for (size_t i = 0; i < n; i++)
        if (!kept || !str_eq(texts[kept - 1], texts[i])) texts[kept++] = texts[i];
    return kept;
}

static int64_t latest(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Copies what the followers want, as they may leave while the store is asked. */
static void gather(struct round *r) {
    size_t n = 0;
    for (const struct follower *f = r->hub->first; f; f = f->next) n++;
    r->workspaces = ARENA_ARRAY(r->arena, n, struct str);
    r->orders = ARENA_ARRAY(r->arena, n, struct str);
    r->keys = ARENA_ARRAY(r->arena, n, struct str);
    for (struct follower *f = r->hub->first; f; f = f->next) {
        f->in_round = true;
        if (f->is_new && !event_place_read(r->hub->config.world, str_of(f->place), r->arena, &f->after)) f->after = -1;
        if (f->is_new && f->after >= 0 && f->after < r->wished) r->wished = f->after;
        r->workspaces[r->n_workspaces++] = arena_str(r->arena, str_of(f->workspace_id));
        r->keys[r->n_keys++] = arena_str(r->arena, str_of(f->key_id));
        if (*f->order_id) r->orders[r->n_orders++] = arena_str(r->arena, str_of(f->order_id));
    }
    r->n_workspaces = tidy(r->workspaces, r->n_workspaces);
    r->n_keys = tidy(r->keys, r->n_keys);
    r->n_orders = tidy(r->orders, r->n_orders);
}

static bool ask(struct db *db, void *arg, struct error *reterr) {
    struct round *r = arg;
    const struct hub *hub = r->hub;
    if (!feed_horizon(db, &r->horizon, reterr)) return false;
    int64_t reach = latest(r->horizon.newest - REACH, 0);
    r->base = hub->is_primed ? latest(hub->after, reach) : latest(r->horizon.newest - LOOK_BACK, 0);
    r->from = latest(r->wished < r->base ? r->wished : r->base, reach);
    struct clock clock = clock_system(); /* sessions go by the time of the day */
    int64_t now = clock_now(&clock);
    return feed_events(db, r->workspaces, r->n_workspaces, r->from, r->arena, &r->events, &r->n_events, reterr) &&
           (!r->n_orders || feed_prints(db, r->orders, r->n_orders, r->arena, &r->prints, &r->n_prints, reterr)) &&
           (!r->checks_keys ||
            (feed_valid_keys(db, r->keys, r->n_keys, r->arena, &r->valid_keys, &r->n_valid_keys, reterr) &&
             feed_open_sessions(db, r->keys, r->n_keys, now, r->arena, &r->open_sessions, &r->n_open_sessions,
                                reterr)));
}

/* ---- which numbers were seen ---- */

static size_t count_up_to(const struct numbers *numbers, int64_t number) {
    size_t low = 0, high = numbers->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (numbers->of[middle] <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool was_seen(const struct numbers *numbers, int64_t number) {
    size_t n = count_up_to(numbers, number);
    return n && numbers->of[n - 1] == number;
}

static void see(struct numbers *numbers, int64_t number) {
    size_t at = count_up_to(numbers, number);
    if (at && numbers->of[at - 1] == number) return;
    if (numbers->n == numbers->cap) {
        numbers->cap = numbers->cap ? 2 * numbers->cap : 64;
        numbers->of = realloc(numbers->of, numbers->cap * sizeof *numbers->of);
        if (!numbers->of) abort();
    }
    memmove(numbers->of + at + 1, numbers->of + at, (numbers->n - at) * sizeof *numbers->of);
    numbers->of[at] = number;
    numbers->n++;
}

static void drop_up_to(struct numbers *numbers, int64_t number) {
    size_t n = count_up_to(numbers, number);
    if (!n) return;
    memmove(numbers->of, numbers->of + n, (numbers->n - n) * sizeof *numbers->of);
    numbers->n -= n;
}

void hub_forget(struct hub *hub) {
    free(hub->seen.of);
    hub->seen = (struct numbers){0};
    hub->is_primed = false;
    hub->after = hub->newest = hub->begun = 0;
}

/* Up to which number no event can come any more, by this snapshot or an earlier one. */
static int64_t settle(const struct round *r) {
    const struct hub *hub = r->hub;
    if (r->horizon.begun <= r->horizon.running) return latest(r->base, r->horizon.newest);
    if (hub->is_primed && hub->begun <= r->horizon.running) return latest(r->base, hub->newest);
    return r->base;
}

static void remember(struct round *r) {
    struct hub *hub = r->hub;
    bool is_waiting = hub->is_primed && hub->newest > r->settled && hub->begun > r->horizon.running;
    if (!is_waiting) {
        hub->newest = r->horizon.newest;
        hub->begun = r->horizon.begun;
    }
    hub->is_primed = true;
    hub->after = r->settled;
    for (size_t i = 0; i < r->n_events; i++)
        if (r->events[i].seq > r->settled) see(&hub->seen, r->events[i].seq);
    if (hub->seen.n > SEEN_MOST) hub->after = latest(hub->after, hub->seen.of[SEEN_MOST / 2]);
    drop_up_to(&hub->seen, hub->after);
}

/* ---- telling ---- */

static struct str place_of(const struct round *r, int64_t after) {
    return event_place_write(r->hub->config.world, after, r->arena);
}

static struct str settled_place(struct round *r) {
    if (!r->settled_place.n) r->settled_place = place_of(r, r->settled);
    return r->settled_place;
}

static void add_line(struct buf *out, struct str name, struct str value) {
    buf_add(out, name);
    buf_add(out, value);
    buf_add_byte(out, '\n');
}

static void add_event(struct round *r, size_t i) {
    const struct feed_event *event = &r->events[i];
    if (!r->texts[i].n) {
        r->texts[i] = event_text(r->hub->config.world, event, r->arena);
        r->places[i] = event->seq <= r->settled ? place_of(r, event->seq) : settled_place(r);
    }
    add_line(&r->out, STR("id: "), r->places[i]);
    add_line(&r->out, STR("event: "), event->type);
    add_line(&r->out, STR("data: "), r->texts[i]);
    buf_add_byte(&r->out, '\n');
}

static bool has_to_hear(const struct round *r, const struct follower *f, const struct feed_event *event) {
    if (!str_is(event->workspace_id, f->workspace_id)) return false;
    if (f->is_new) return event->seq > f->after;
    return event->seq > r->base && !was_seen(&r->hub->seen, event->seq);
}

static void add_events(struct round *r, struct follower *f) {
    for (size_t i = 0; i < r->n_events && r->out.n <= TELL_MOST; i++) {
        if (!has_to_hear(r, f, &r->events[i])) continue;
        add_event(r, i);
        int64_t seq = r->events[i].seq;
        f->sent = latest(f->sent, seq);
        f->told = latest(f->told, seq <= r->settled ? seq : r->settled);
    }
}

/* Whether there may be events that it has neither heard nor hears now. The oldest are deleted after a while. */
static bool misses_some(const struct round *r, const struct follower *f) {
    if (!f->is_new) return r->hub->is_primed && r->hub->after < r->from;
    bool is_forgotten = f->after < r->horizon.oldest - 1 && f->after < r->settled;
    return f->after < r->from || is_forgotten || f->after > latest(r->horizon.newest, r->base);
}

static void add_place(struct round *r, struct follower *f) {
    add_line(&r->out, STR("id: "), settled_place(r));
    buf_add_byte(&r->out, '\n');
    f->told = r->settled;
}

static void add_missed(struct round *r, struct follower *f) {
    add_line(&r->out, STR("id: "), settled_place(r));
    BUF_LIT(&r->out, "event: missed\ndata: {}\n\n");
    f->told = f->sent = r->settled;
}

static void add_greeting(struct round *r) {
    uint32_t spread;
    struct rng *rng = r->hub->config.world->rng;
    rng_fill(rng, &spread, sizeof spread);
    BUF_LIT(&r->out, "retry: ");
    buf_add_int(&r->out, RETRY_MS + (int64_t)(spread % RETRY_SPREAD_MS));
    BUF_LIT(&r->out, "\n\n");
}

/* A new one hears it in any case: it looks at the order then, and from there on it is told of every change. */
static void add_progress(struct round *r, struct follower *f) {
    const struct feed_print *print =
        r->n_prints && *f->order_id ? bsearch(f->order_id, r->prints, r->n_prints, sizeof *print, compare_print) : NULL;
    if (!print || (!f->is_new && memcmp(print->of, f->print.of, sizeof print->of) == 0)) return;
    f->print = *print;
    BUF_LIT(&r->out, "event: progress\ndata: {\"order\":");
    buf_add_json(&r->out, str_of(f->order_id));
    BUF_LIT(&r->out, "}\n\n");
}

static void tell(struct round *r, struct follower *f, int64_t now_ms) {
    buf_clear(&r->out);
    if (f->is_new) add_greeting(r);
    if (f->is_new && !*f->place) {
        f->sent = r->settled;
    } else if (misses_some(r, f)) {
        add_missed(r, f);
    } else {
        size_t before = r->out.n;
        add_events(r, f);
        if (r->out.n > TELL_MOST) {
            r->out.n = before;
            add_missed(r, f);
        }
    }
    add_progress(r, f);
    /* What went out while earlier events could still come is not to come again. */
    if (f->is_new || (f->sent > f->told && f->sent <= r->settled)) add_place(r, f);
    hub_say(f, buf_str(&r->out), now_ms);
    f->is_new = false;
}

static bool has_text(const struct str *sorted, size_t n, struct str text) {
    return n && bsearch(&text, sorted, n, sizeof text, compare_texts);
}

static bool may_hear(const struct round *r, const struct follower *f) {
    if (!r->checks_keys) return true;
    struct str session = {(const char *)f->session, sizeof f->session};
    return has_text(r->valid_keys, r->n_valid_keys, str_of(f->key_id)) &&
           (!f->has_session || has_text(r->open_sessions, r->n_open_sessions, session));
}

static void tell_all(struct round *r, int64_t now_ms) {
    r->settled = settle(r);
    r->texts = ARENA_ARRAY(r->arena, r->n_events, struct str);
    r->places = ARENA_ARRAY(r->arena, r->n_events, struct str);
    buf_init(&r->out, SIZE_MAX);
    for (struct follower *f = r->hub->first; f; f = f->next) {
        if (!f->in_round) continue;
        f->in_round = false;
        if (may_hear(r, f))
            tell(r, f, now_ms);
        else
            http_stream_end(f->stream);
    }
    buf_finish(&r->out);
    remember(r);
}

/* ---- a round ---- */

static void note_failure(struct hub *hub, const struct error *error) {
    if (!hub->failed && !node_is_away(hub->config.node, error))
        log_event(LOG_WARN, "events_failed", LOG_TEXT("reason", error->message),
                  LOG_TEXT("next", "streams of events stay open, and hear what happened once it can be read"));
    hub->failed = true;
}

void hub_round(struct hub *hub, int64_t now_ms) {
    struct store *store = hub->config.world->store;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(16 << 10);
    uint64_t generation = store_generation(store, STORE_ANYTHING);
    uint64_t identities = store_generation(store, STORE_IDENTITIES);
    struct round round = {.hub = hub, .arena = arena, .wished = INT64_MAX};
    struct error error = {0};
    /* A key may have ended since its stream was asked for. */
    round.checks_keys = hub->has_new || identities != hub->identities || now_ms - hub->checked_ms >= HUB_CHECK_MS;
    hub->has_new = false;
    gather(&round);
    store_wait_until(now_ms + WAIT_MS);
    pthread_mutex_unlock(&hub->mutex);
    bool ok = store_read(store, ask, &round, &error);
    pthread_mutex_lock(&hub->mutex);
    hub->round_ms = clock_steady_ms();
    if (!ok) {
        note_failure(hub, &error);
        return;
    }
    hub->failed = false;
    hub->generation = generation;
    hub->identities = identities;
    if (round.checks_keys) hub->checked_ms = now_ms;
    tell_all(&round, now_ms);
}
