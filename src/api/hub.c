#include "api/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/event_place.h"
#include "api/hub_inside.h"

enum {
    TICK_MS = 50, /* how late an event is at most, beside the time of a round */
    REST = 4,     /* a round is followed by a rest of so many times its length */
    REST_MOST_MS = 1000,
    SETTLE_MS = 1000,      /* how soon it is looked whether nothing can come late any more */
    AGAIN_MS = 1000,       /* after a round that failed */
    QUIET_MS = 15 * 1000,  /* without a word; proxies take longer silence for the end */
    LIFE_MS = 3600 * 1000, /* then the client comes anew, perhaps to another node */
};

/* ---- followers ---- */

static unsigned count_of(const struct hub *hub, struct str workspace_id) {
    unsigned n = 0;
    for (const struct follower *f = hub->first; f; f = f->next) n += str_is(workspace_id, f->workspace_id);
    return n;
}

static void copy(char *to, size_t size, struct str text) {
    snprintf(to, size, "%.*s", STR_ARG(text));
}

static struct follower *follower_make(const struct hub_wish *wish, struct http_response *response) {
    struct follower *f = calloc(1, sizeof *f);
    if (!f) abort();
    f->stream = http_stream_keep(http_stream_open(response));
    copy(f->workspace_id, sizeof f->workspace_id, wish->workspace_id);
    copy(f->key_id, sizeof f->key_id, wish->key_id);
    copy(f->order_id, sizeof f->order_id, wish->order_id);
    copy(f->place, sizeof f->place, wish->place);
    f->has_session = wish->session.n == sizeof f->session;
    if (f->has_session) memcpy(f->session, wish->session.p, sizeof f->session);
    f->is_new = true;
    f->opened_ms = f->said_ms = clock_steady_ms();
    return f;
}

static void follower_free(struct follower *f) {
    http_stream_end(f->stream);
    http_stream_let_go(f->stream);
    free(f);
}

bool hub_join(struct hub *hub, const struct hub_wish *wish, struct http_response *response, struct error *reterr) {
    pthread_mutex_lock(&hub->mutex);
    bool is_full = count_of(hub, wish->workspace_id) >= hub->config.most_of_workspace;
    if (!is_full) {
        struct follower *f = follower_make(wish, response);
        f->next = hub->first;
        hub->first = f;
        hub->has_new = true;
        pthread_cond_signal(&hub->changed);
    }
    pthread_mutex_unlock(&hub->mutex);
    return !is_full || error_set(reterr, ERR_RATE_LIMITED,
                                 "This workspace has %u streams of events open, which is the most. Close one first.",
                                 hub->config.most_of_workspace);
}

void hub_say(struct follower *follower, struct str text, int64_t now_ms) {
    if (!text.n) return;
    (void)http_stream_write(follower->stream, text); /* one that is over is found in the next look */
    follower->said_ms = now_ms;
}

/* Proxies hear that it lives, and the client from where to go on, though nothing happened. */
static void break_silence(const struct hub *hub, struct follower *f, int64_t now_ms) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct str text = STR(":\n\n");
    if (!f->is_new && hub->is_primed && hub->after > f->told) {
        struct str place = event_place_write(hub->config.world, hub->after, arena);
        text = arena_printf(arena, ":\nid: %.*s\n\n", STR_ARG(place));
        f->told = hub->after;
    }
    hub_say(f, text, now_ms);
}

static void look_after(struct hub *hub, int64_t now_ms) {
    for (struct follower **at = &hub->first, *f; (f = *at);) {
        if (http_stream_is_over(f->stream) || now_ms - f->opened_ms >= LIFE_MS) {
            *at = f->next;
            follower_free(f);
            continue;
        }
        if (now_ms - f->said_ms >= QUIET_MS) break_silence(hub, f, now_ms);
        at = &f->next;
    }
}

/* ---- the thread ---- */

static bool has_to_ask(const struct hub *hub, int64_t now_ms) {
    struct store *store = hub->config.world->store;
    int64_t passed = now_ms - hub->round_ms;
    if (hub->failed) return passed >= AGAIN_MS;
    if (hub->has_new || !hub->is_primed || store_generation(store, STORE_ANYTHING) != hub->generation) return true;
    return (hub->after < hub->newest && passed >= SETTLE_MS) || now_ms - hub->checked_ms >= HUB_CHECK_MS;
}

static void wait_until(struct hub *hub, int64_t at_ms) {
    struct timespec at = {.tv_sec = (time_t)(at_ms / 1000), .tv_nsec = (long)(at_ms % 1000) * 1000000};
    pthread_cond_timedwait(&hub->changed, &hub->mutex, &at);
}

static void *follow(void *arg) {
    struct hub *hub = arg;
    pthread_mutex_lock(&hub->mutex);
    while (!hub->stop) {
        if (!hub->first) {
            hub_forget(hub);
            pthread_cond_wait(&hub->changed, &hub->mutex);
            continue;
        }
        int64_t began = clock_steady_ms();
        if (has_to_ask(hub, began)) hub_round(hub, began);
        int64_t now = clock_steady_ms();
        look_after(hub, now);
        int64_t rest = REST * (now - began);
        if (rest < TICK_MS) rest = TICK_MS;
        if (!hub->stop) wait_until(hub, now + (rest < REST_MOST_MS ? rest : REST_MOST_MS));
    }
    pthread_mutex_unlock(&hub->mutex);
    return NULL;
}

struct hub *hub_create(const struct hub_config *config) {
    struct hub *hub = calloc(1, sizeof *hub);
    if (!hub) abort();
    hub->config = *config;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&hub->mutex, NULL);
    pthread_cond_init(&hub->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&hub->thread, NULL, follow, hub) != 0) abort();
    return hub;
}

void hub_destroy(struct hub *hub) {
    if (!hub) return;
    pthread_mutex_lock(&hub->mutex);
    hub->stop = true;
    pthread_cond_signal(&hub->changed);
    pthread_mutex_unlock(&hub->mutex);
    pthread_join(hub->thread, NULL);
    while (hub->first) {
        struct follower *f = hub->first;
        hub->first = f->next;
        follower_free(f);
    }
    hub_forget(hub);
    pthread_cond_destroy(&hub->changed);
    pthread_mutex_destroy(&hub->mutex);
    free(hub);
}
