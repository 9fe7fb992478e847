#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "http/internal.h"

int64_t monotonic_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void cond_init_monotonic(pthread_cond_t *cond) {
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t at) {
    struct timespec t = {.tv_sec = (time_t)(at / 1000), .tv_nsec = (long)(at % 1000) * 1000000};
    return pthread_cond_timedwait(cond, mutex, &t) == 0;
}

static void *sweep(void *arg) {
    struct deadline *deadline = arg;
    /* A connection is cut at most an eighth of the allowed time late. */
    int64_t step = deadline->request_ms / 8;
    step = step < 10 ? 10 : step > 1000 ? 1000 : step;
    pthread_mutex_lock(&deadline->mutex);
    while (!deadline->stop) {
        int64_t now = monotonic_ms();
        for (struct conn *c = deadline->first; c; c = c->next) {
            int64_t due = atomic_load_explicit(&c->due, memory_order_relaxed);
            /* Nothing but a shutdown: the descriptor stays libmicrohttpd's, whose event thread sees the end at once. */
            if (due && due <= now && atomic_compare_exchange_strong(&c->due, &due, 0)) shutdown(c->fd, SHUT_RDWR);
        }
        cond_wait_until(&deadline->wake, &deadline->mutex, now + step);
    }
    pthread_mutex_unlock(&deadline->mutex);
    return NULL;
}

bool deadline_start(struct deadline *deadline, int64_t request_ms) {
    deadline->request_ms = request_ms;
    pthread_mutex_init(&deadline->mutex, NULL);
    cond_init_monotonic(&deadline->wake);
    deadline->started = pthread_create(&deadline->thread, NULL, sweep, deadline) == 0;
    if (!deadline->started) {
        pthread_cond_destroy(&deadline->wake);
        pthread_mutex_destroy(&deadline->mutex);
    }
    return deadline->started;
}

void deadline_stop(struct deadline *deadline) {
    if (!deadline->started) return;
    pthread_mutex_lock(&deadline->mutex);
    deadline->stop = true;
    pthread_cond_signal(&deadline->wake);
    pthread_mutex_unlock(&deadline->mutex);
    pthread_join(deadline->thread, NULL);
    pthread_cond_destroy(&deadline->wake);
    pthread_mutex_destroy(&deadline->mutex);
    deadline->started = false;
}

void deadline_add(struct deadline *deadline, struct conn *conn) {
    pthread_mutex_lock(&deadline->mutex);
    conn->prev = NULL;
    conn->next = deadline->first;
    if (conn->next) conn->next->prev = conn;
    deadline->first = conn;
    pthread_mutex_unlock(&deadline->mutex);
}

void deadline_remove(struct deadline *deadline, struct conn *conn) {
    pthread_mutex_lock(&deadline->mutex);
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        deadline->first = conn->next;
    if (conn->next) conn->next->prev = conn->prev;
    pthread_mutex_unlock(&deadline->mutex);
}
