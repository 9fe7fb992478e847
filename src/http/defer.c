#include <stdlib.h>

#include "http/internal.h"

enum { WORKER_STACK = 256 << 10 };

static void run(const struct http_app *app, struct exchange *x) {
    if (x->stage == STAGE_PART) {
        x->part = app->more(app->ctx, &x->request, x->arena, &x->response, x->state);
        x->stage = STAGE_ANSWERED;
    } else {
        app->run(app->ctx, &x->request, x->arena, &x->response, x->state);
        x->stage = STAGE_DONE;
    }
}

static void refuse(const struct http_app *app, struct exchange *x) {
    if (x->stage == STAGE_PART) {
        x->part = HTTP_PART_BROKEN;
        x->stage = STAGE_ANSWERED;
    } else {
        struct error err;
        error_set(&err, ERR_UNAVAILABLE, "The server is stopping. Nothing was done; try again shortly.");
        exchange_refuse(x, app, &err);
        x->stage = STAGE_DONE;
    }
}

static void *work(void *arg) {
    struct defer *defer = arg;
    pthread_mutex_lock(&defer->mutex);
    for (;;) {
        while (!defer->first && !defer->stop) pthread_cond_wait(&defer->wake, &defer->mutex);
        struct exchange *x = defer->first;
        if (!x) break;
        defer->first = x->next;
        if (!defer->first) defer->end = &defer->first;
        defer->n--;
        bool stop = defer->stop;
        pthread_mutex_unlock(&defer->mutex);

        if (stop)
            refuse(defer->app, x);
        else
            run(defer->app, x);
        /* From here on the event thread owns the exchange again. */
        loop_resume(x);
        pthread_mutex_lock(&defer->mutex);
    }
    pthread_mutex_unlock(&defer->mutex);
    return NULL;
}

bool defer_start(struct defer *defer, unsigned workers, const struct http_app *app) {
    defer->threads = calloc(workers, sizeof *defer->threads);
    if (!defer->threads) return false;
    defer->app = app;
    defer->end = &defer->first;
    pthread_mutex_init(&defer->mutex, NULL);
    pthread_cond_init(&defer->wake, NULL);

    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, WORKER_STACK);
    while (defer->n_threads < workers && pthread_create(&defer->threads[defer->n_threads], &attr, work, defer) == 0)
        defer->n_threads++;
    pthread_attr_destroy(&attr);
    if (defer->n_threads == workers) return true;
    defer_stop(defer);
    return false;
}

bool defer_push(struct defer *defer, struct exchange *x) {
    pthread_mutex_lock(&defer->mutex);
    bool ok = defer->n < DEFER_MOST && !defer->stop;
    if (ok) {
        /* Suspended before a worker can see it: resuming must not come first. */
        MHD_suspend_connection(x->mhd);
        x->stage = x->stage == STAGE_ANSWERED ? STAGE_PART : STAGE_RUNNING;
        x->next = NULL;
        *defer->end = x;
        defer->end = &x->next;
        defer->n++;
        pthread_cond_signal(&defer->wake);
    }
    pthread_mutex_unlock(&defer->mutex);
    return ok;
}

void defer_stop(struct defer *defer) {
    if (!defer->threads) return;
    pthread_mutex_lock(&defer->mutex);
    defer->stop = true;
    pthread_cond_broadcast(&defer->wake);
    pthread_mutex_unlock(&defer->mutex);
    for (unsigned i = 0; i < defer->n_threads; i++) pthread_join(defer->threads[i], NULL);
    free(defer->threads);
    defer->threads = NULL;
}
