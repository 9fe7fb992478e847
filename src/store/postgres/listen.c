#include "store/postgres/listen.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ids.h"
#include "store/engine.h"
#include "store/postgres/errors.h"
#include "store/postgres/url.h"

enum {
    TRIAL_MS = 2000,      /* for a notification to arrive that another connection sent */
    TRY_AGAIN_MS = 30000, /* where none arrived */
    LOST_MS = 5000,       /* without an answer: another connection is made */
    BACKOFF_MS = 100,     /* before the second try to connect; doubled up to: */
    BACKOFF_MAX_MS = 1000,
    SQL_MAX = 64,
    ID = 16 + 1, /* with a NUL */
};

/* What is said, and heard. */
enum word { NEWS = 'c', IDENTITIES = 'i', TRIAL = 't' };

enum phase {
    AWAY,       /* until try_ms */
    CONNECTING, /* until until_ms, as all that follow */
    GREETING,   /* who answers there was asked */
    ASKING,     /* LISTEN was sent */
    TRYING,     /* the other connection is made, and sends */
    AWAITING,   /* what it sent */
    HEARING,    /* all is well */
    DEAF,       /* connected, but nothing can be heard here */
};

/* A connection that is being made; PQconnectPoll may only go on when its socket is ready. */
struct line {
    PGconn *conn;
    PostgresPollingStatusType wants;
    struct pollfd *poll; /* of this turn; NULL: it was not waited for */
};

struct listener {
    struct listener_config config;
    struct target *target;
    char id[ID]; /* what is said under it is this node's own */
    pthread_t thread;
    int wake; /* an eventfd */
    atomic_bool stop;
    atomic_bool has_said; /* listener_say was called and it was not told yet */

    /* The rest is the thread's. */
    enum phase phase;
    struct line own, other;
    bool was_sent; /* by the other connection */
    bool is_busy;  /* a statement is under way */
    bool was_told; /* the owner, that nothing is heard */
    size_t host;
    int64_t now_ms, until_ms, try_ms, backoff_ms;
    int64_t sent_ms;       /* when the last statement was sent */
    int64_t told_ms;       /* others, the last time */
    int64_t news_ms;       /* when `news` was called last */
    int64_t identities_ms; /* the same */
    bool has_heard;        /* news, since then */
};

static void complain(struct listener *l, const char *event, const char *reason, const char *next) {
    if (!l->was_told) l->config.tell(l->config.arg, event, reason, next);
    l->was_told = true;
}

static void line_end(struct line *line) {
    PQfinish(line->conn);
    *line = (struct line){0};
}

static void line_begin(struct listener *l, struct line *line) {
    line->conn = target_begin(l->target, l->host);
    if (!line->conn) store_die("store", "out of memory");
    line->wants = PGRES_POLLING_WRITING;
}

/* One step of connecting. */
static PostgresPollingStatusType line_go_on(struct line *line) {
    if (PQstatus(line->conn) == CONNECTION_BAD) return PGRES_POLLING_FAILED;
    if (line->poll && line->poll->revents) line->wants = PQconnectPoll(line->conn);
    return line->wants;
}

/* The connection is of no use; WORDS say why. The next host is tried, all of them before it waits. */
static void lose(struct listener *l, const char *words) {
    struct error error;
    errors_away(words, target_password(l->target), &error);
    complain(l, "notifications_lost", error.message, "asks the database twice a second, and connects again");
    line_end(&l->own);
    line_end(&l->other);
    l->phase = AWAY;
    l->is_busy = false;
    l->host = (l->host + 1) % target_hosts(l->target);
    l->try_ms = l->now_ms;
    if (l->host) return;
    l->try_ms += l->backoff_ms;
    l->backoff_ms = l->backoff_ms * 2 < BACKOFF_MAX_MS ? l->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void lose_own(struct listener *l) {
    lose(l, PQerrorMessage(l->own.conn));
}

static void send_sql(struct listener *l, const char *sql) {
    l->is_busy = true;
    l->sent_ms = l->now_ms;
    if (!PQsendQuery(l->own.conn, sql)) lose_own(l);
}

static void notify_sql(const struct listener *l, enum word word, char ret[SQL_MAX]) {
    snprintf(ret, SQL_MAX, "NOTIFY " LISTEN_CHANNEL ", '%c%s'", (char)word, l->id);
}

static void enter(struct listener *l, enum phase phase, int64_t lasts_ms) {
    l->phase = phase;
    l->until_ms = l->now_ms + lasts_ms;
}

/* ---- making the connection, and trying it out ---- */

static void connect_on(struct listener *l) {
    PostgresPollingStatusType status = line_go_on(&l->own);
    if (status == PGRES_POLLING_FAILED) {
        lose_own(l);
    } else if (status == PGRES_POLLING_OK) {
        PQsetnonblocking(l->own.conn, 1);
        enter(l, GREETING, LOST_MS);
        send_sql(l, "SELECT pg_backend_pid()");
    } else if (l->now_ms >= l->until_ms) {
        lose(l, "no answer in time");
    }
}

/* Nothing that is said is heard here. */
static void go_deaf(struct listener *l, const char *reason) {
    line_end(&l->other);
    enter(l, DEAF, TRY_AGAIN_MS);
    complain(l, "notifications_missing", reason,
             "asks the database twice a second; with PgBouncer set db_listen_url, a direct connection");
}

static void try_on(struct listener *l) {
    char sql[SQL_MAX];
    PostgresPollingStatusType status = l->was_sent ? PGRES_POLLING_OK : line_go_on(&l->other);
    if (status == PGRES_POLLING_FAILED || l->now_ms >= l->until_ms) {
        go_deaf(l, "a second connection, to try notifications, could not be made");
    } else if (status == PGRES_POLLING_OK && !l->was_sent) {
        PQsetnonblocking(l->other.conn, 1);
        notify_sql(l, TRIAL, sql);
        l->was_sent = PQsendQuery(l->other.conn, sql);
        l->other.wants = PGRES_POLLING_READING;
        if (!l->was_sent) go_deaf(l, "the second connection, to try notifications, was lost");
    } else if (l->was_sent && l->other.poll && l->other.poll->revents) {
        if (!PQconsumeInput(l->other.conn)) {
            go_deaf(l, "the second connection, to try notifications, was lost");
        } else if (!PQisBusy(l->other.conn)) {
            line_end(&l->other);
            enter(l, AWAITING, TRIAL_MS);
        }
    }
}

/* The trial's notification is there, perhaps before its sender knew. What was missed before is made up for. */
static void hear(struct listener *l) {
    if (l->phase != TRYING && l->phase != AWAITING) return;
    line_end(&l->other);
    l->phase = HEARING;
    l->backoff_ms = BACKOFF_MS;
    l->sent_ms = l->now_ms;
    if (l->was_told) l->config.tell(l->config.arg, "notifications_back", "they arrive again", "nothing else to do");
    l->was_told = false;
    l->has_heard = true;
    l->identities_ms = l->now_ms;
    l->config.identities(l->config.arg);
}

/* ---- what comes on it ---- */

static void take_notification(struct listener *l, const PGnotify *notify) {
    bool is_own = strcmp(notify->extra + (notify->extra[0] != '\0'), l->id) == 0;
    switch (notify->extra[0]) {
    case TRIAL:
        if (is_own) hear(l);
        break;
    case IDENTITIES:
        if (!is_own) l->config.identities(l->config.arg);
        if (!is_own) l->has_heard = true;
        break;
    default: /* also what a later version says */
        if (!is_own) l->has_heard = true;
    }
}

/* A pool has process numbers of its own. LISTEN through it would stay with a session that others get next. */
static bool is_pool(PGconn *conn, const PGresult *result) {
    int64_t pid;
    return PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1 &&
           str_to_int(str_of(PQgetvalue(result, 0, 0)), 0, INT32_MAX, &pid) && pid != PQbackendPID(conn);
}

/* A statement has ended. */
static void go_on(struct listener *l) {
    l->is_busy = false;
    if (l->phase == GREETING) {
        enter(l, ASKING, LOST_MS);
        send_sql(l, "SET application_name = 'dfyd news'; LISTEN " LISTEN_CHANNEL);
    } else if (l->phase == ASKING) {
        line_begin(l, &l->other);
        l->was_sent = false;
        enter(l, TRYING, target_connect_ms(l->target));
    }
}

static void take_results(struct listener *l) {
    while (l->own.conn && l->is_busy && !PQisBusy(l->own.conn)) {
        PGresult *result = PQgetResult(l->own.conn);
        if (!result) {
            go_on(l);
            return;
        }
        bool failed = PQresultStatus(result) == PGRES_FATAL_ERROR;
        if (l->phase == GREETING && is_pool(l->own.conn, result)) go_deaf(l, "a pool stands before the database");
        PQclear(result);
        if (failed) lose_own(l);
    }
}

static void read_own(struct listener *l) {
    if (!PQconsumeInput(l->own.conn)) {
        lose_own(l);
        return;
    }
    take_results(l);
    for (PGnotify *notify; l->own.conn && (notify = PQnotifies(l->own.conn)); PQfreemem(notify))
        take_notification(l, notify);
}

/* ---- what is due ---- */

/* Others are told, or the connection is tried when it was quiet. */
static void speak(struct listener *l) {
    char sql[SQL_MAX];
    if (l->is_busy) {
        if (l->now_ms - l->sent_ms >= LOST_MS) lose(l, "no answer in time");
    } else if (atomic_load(&l->has_said) && l->now_ms - l->told_ms >= LISTEN_TELL_MS) {
        atomic_store(&l->has_said, false);
        l->told_ms = l->now_ms;
        notify_sql(l, NEWS, sql);
        send_sql(l, sql);
    } else if (l->phase == HEARING && l->now_ms - l->sent_ms >= LISTEN_BEAT_MS) {
        send_sql(l, "");
    }
}

static bool is_hearing(const struct listener *l) {
    return l->phase == HEARING && !(l->is_busy && l->now_ms - l->sent_ms >= LISTEN_BEAT_MS);
}

static void advance(struct listener *l) {
    switch (l->phase) {
    case AWAY:
        if (l->now_ms < l->try_ms) break;
        line_begin(l, &l->own);
        enter(l, CONNECTING, target_connect_ms(l->target));
        connect_on(l); /* what cannot even begin has no socket to wait for */
        break;
    case CONNECTING:
        connect_on(l);
        break;
    case GREETING:
    case ASKING:
        if (l->now_ms >= l->until_ms) lose(l, "no answer in time");
        break;
    case TRYING:
        try_on(l);
        break;
    case AWAITING:
        if (l->now_ms >= l->until_ms) go_deaf(l, "a notification of its own did not arrive");
        break;
    case DEAF:
        speak(l);
        if (l->phase != DEAF || l->is_busy || l->now_ms < l->until_ms) break;
        line_end(&l->own);
        l->phase = AWAY;
        l->try_ms = l->now_ms;
        break;
    case HEARING:
        speak(l);
        break;
    }
}

static void pass_on(struct listener *l) {
    if (!is_hearing(l) && l->now_ms - l->identities_ms >= LISTEN_DEAF_MS) {
        l->identities_ms = l->now_ms;
        l->config.identities(l->config.arg);
    }
    int64_t quiet_ms = l->now_ms - l->news_ms;
    if (quiet_ms < LISTEN_TELL_MS || (!l->has_heard && quiet_ms < LISTEN_POLL_MS)) return;
    l->has_heard = false;
    l->news_ms = l->now_ms;
    l->config.news(l->config.arg);
}

/* ---- the thread ---- */

static void sooner(int64_t *at_ms, int64_t other_ms) {
    if (other_ms < *at_ms) *at_ms = other_ms;
}

/* When something is due next, if nothing comes. */
static int64_t next_due(const struct listener *l) {
    int64_t at = l->news_ms + (l->has_heard ? LISTEN_TELL_MS : LISTEN_POLL_MS);
    if (!is_hearing(l)) sooner(&at, l->identities_ms + LISTEN_DEAF_MS);
    if (l->phase == HEARING || l->phase == DEAF) {
        if (l->is_busy) sooner(&at, l->sent_ms + (is_hearing(l) ? LISTEN_BEAT_MS : LOST_MS));
        if (!l->is_busy && atomic_load(&l->has_said)) sooner(&at, l->told_ms + LISTEN_TELL_MS);
        if (!l->is_busy && l->phase == HEARING) sooner(&at, l->sent_ms + LISTEN_BEAT_MS);
        if (!l->is_busy && l->phase == DEAF) sooner(&at, l->until_ms);
    } else {
        sooner(&at, l->phase == AWAY ? l->try_ms : l->until_ms);
    }
    return at;
}

static void watch(struct line *line, bool is_made, struct pollfd *polls, nfds_t *n) {
    line->poll = NULL;
    int fd = PQsocket(line->conn);
    if (!line->conn || fd < 0) return;
    short events = is_made || line->wants == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (is_made && PQflush(line->conn) > 0) events |= POLLOUT;
    polls[*n] = (struct pollfd){.fd = fd, .events = events};
    line->poll = &polls[(*n)++];
}

static void *listen_on(void *arg) {
    struct listener *l = arg;
    l->now_ms = clock_steady_ms();
    while (!atomic_load(&l->stop)) {
        struct pollfd polls[3] = {{.fd = l->wake, .events = POLLIN}};
        nfds_t n = 1;
        watch(&l->own, l->phase >= GREETING, polls, &n);
        watch(&l->other, l->phase == TRYING && l->was_sent, polls, &n);
        int64_t wait_ms = next_due(l) - l->now_ms;
        if (poll(polls, n, wait_ms > 0 ? (int)wait_ms : 0) < 0 && errno != EINTR) store_die("poll", strerror(errno));
        uint64_t count;
        if (polls[0].revents) (void)!read(l->wake, &count, sizeof count);
        l->now_ms = clock_steady_ms();
        if (l->phase >= GREETING && l->own.poll && l->own.poll->revents) read_own(l);
        advance(l);
        pass_on(l);
    }
    line_end(&l->own);
    line_end(&l->other);
    return NULL;
}

static void make_id(char ret[ID]) {
    uint64_t number;
    struct rng rng = rng_system();
    rng_fill(&rng, &number, sizeof number);
    snprintf(ret, ID, "%016llx", (unsigned long long)number);
}

static void destroy(struct listener *l) {
    target_destroy(l->target);
    if (l->wake >= 0) close(l->wake);
    free(l);
}

bool listener_start(const struct listener_config *config, struct listener **ret, struct error *reterr) {
    struct listener *l = store_alloc(1, sizeof *l);
    l->config = *config;
    l->config.url = NULL;
    make_id(l->id);
    l->backoff_ms = BACKOFF_MS;
    l->news_ms = l->identities_ms = clock_steady_ms();
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    atomic_init(&l->stop, false);
    atomic_init(&l->has_said, false);
    bool ok = l->wake >= 0 || error_set(reterr, ERR_UNAVAILABLE, "cannot make an eventfd: %s", strerror(errno));
    if (!ok || !target_parse(config->url, &l->target, reterr)) {
        destroy(l);
        return false;
    }
    int code = pthread_create(&l->thread, NULL, listen_on, l);
    if (code) {
        destroy(l);
        return error_set(reterr, ERR_UNAVAILABLE, "cannot start a thread: %s", strerror(code));
    }
    *ret = l;
    return true;
}

static void wake(struct listener *l) {
    const uint64_t one = 1;
    (void)!write(l->wake, &one, sizeof one);
}

void listener_stop(struct listener *l) {
    if (!l) return;
    atomic_store(&l->stop, true);
    wake(l);
    pthread_join(l->thread, NULL);
    destroy(l);
}

void listener_say(struct listener *l) {
    if (!atomic_exchange(&l->has_said, true)) wake(l);
}
