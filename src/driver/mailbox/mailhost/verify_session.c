/*
 * libcurl hands every line of a server to the function for header fields; commands that it does not know by itself are
 * custom requests, which it decodes as URLs are. It selects a folder when the URL names another one than before.
 */
#include "driver/mailbox/mailhost/verify_session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <sodium.h>

#include "base/buf.h"
#include "base/clock.h"
#include "driver/mailbox/mailhost/verify_message.h"
#include "driver/mailbox/mailhost/verify_words.h"
#include "driver/web/web.h"

enum {
    IDLE_MAX = 16,           /* handles kept */
    LINES_MAX_BYTES = 65536, /* of a server, for one request */
    BODY_MAX_BYTES = 262144, /* of a message */
    BUFFER_BYTES = 65536,    /* libcurl cuts lines that are longer than half of it */
    CLOSE_MS = 1000,
};

struct session_pool {
    pthread_mutex_t mutex;
    CURL *idle[IDLE_MAX];
    size_t n_idle;
};

enum { SECRET_PASSWORD, SECRET_PLAIN, SECRET_END };

struct session {
    struct session_pool *pool;
    const struct check_servers *servers;
    const char *email;
    char *password, *plain;         /* plain: as SASL sends it (RFC 4616), in base64 */
    struct str secrets[SECRET_END]; /* those two */
    int64_t deadline_ms;
    long limit_ms; /* of the request under way */
    struct arena *arena;
    CURL *curl;
    bool is_open;           /* a connection over IMAP is kept */
    struct buf lines, body; /* of the request under way */
    struct str upload;      /* what is left to send */
    char error[CURL_ERROR_SIZE];
};

/* ---- handles ---- */

static CURL *take_handle(struct session_pool *pool) {
    web_start();
    pthread_mutex_lock(&pool->mutex);
    CURL *handle = pool->n_idle ? pool->idle[--pool->n_idle] : NULL;
    pthread_mutex_unlock(&pool->mutex);
    if (!handle) handle = curl_easy_init();
    if (!handle) abort();
    return handle;
}

static void give_handle(struct session_pool *pool, CURL *handle) {
    curl_easy_reset(handle);
    pthread_mutex_lock(&pool->mutex);
    bool kept = pool->n_idle < IDLE_MAX;
    if (kept) pool->idle[pool->n_idle++] = handle;
    pthread_mutex_unlock(&pool->mutex);
    if (!kept) curl_easy_cleanup(handle);
}

struct session_pool *session_pool_create(void) {
    struct session_pool *pool = calloc(1, sizeof *pool);
    if (!pool) abort();
    pthread_mutex_init(&pool->mutex, NULL);
    return pool;
}

void session_pool_destroy(struct session_pool *pool) {
    if (!pool) return;
    for (size_t i = 0; i < pool->n_idle; i++) curl_easy_cleanup(pool->idle[i]);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

/* ---- what libcurl calls back ---- */

static size_t take(struct buf *to, const char *bytes, size_t n) {
    buf_add(to, (struct str){bytes, n});
    return buf_ok(to) ? n : 0;
}

static size_t take_line(char *bytes, size_t size, size_t n, void *arg) {
    return take(&((struct session *)arg)->lines, bytes, size * n);
}

static size_t take_body(char *bytes, size_t size, size_t n, void *arg) {
    return take(&((struct session *)arg)->body, bytes, size * n);
}

static size_t give_upload(char *to, size_t size, size_t n, void *arg) {
    struct str *upload = &((struct session *)arg)->upload;
    size_t given = size * n < upload->n ? size * n : upload->n;
    if (given) memcpy(to, upload->p, given);
    *upload = (struct str){upload->p + given, upload->n - given};
    return given;
}

/* ---- one request ---- */

/* LIMIT_MS, or what is left until the deadline; at least 1, for 0 is no limit to libcurl. */
static long time_for(const struct session *session, int64_t limit_ms) {
    int64_t left = session->deadline_ms - clock_steady_ms();
    if (left < limit_ms) limit_ms = left;
    return limit_ms < 1 ? 1 : (long)limit_ms;
}

static void prepare(struct session *session, const char *scheme, const struct check_place *place, struct str path,
                    int64_t limit_ms) {
    const struct check_servers *servers = session->servers;
    CURL *curl = session->curl;
    long ms = session->limit_ms = time_for(session, limit_ms);
    curl_easy_reset(curl);
    buf_clear(&session->lines);
    buf_clear(&session->body);
    session->error[0] = '\0';
    struct str url = arena_printf(session->arena, "%s://%s:%d/%.*s", scheme, servers->host, place->port, STR_ARG(path));
    curl_easy_setopt(curl, CURLOPT_URL, url.p);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, scheme);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, session->error);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, ms);
    /* In whole seconds; it also ends the wait for an answer to LOGOUT and QUIT. */
    curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (ms + 999) / 1000);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (servers->ca_file) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, servers->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL); /* the system's would count as well */
    }
    curl_easy_setopt(curl, CURLOPT_USERNAME, session->email);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, session->password);
    curl_easy_setopt(curl, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN");
    curl_easy_setopt(curl, CURLOPT_SASL_IR, 1L);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_line);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, session);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, session);
}

static CURLcode perform(struct session *session, const struct check_place *place) {
    struct curl_slist *to = NULL;
    if (place->address && place->address[0]) {
        bool is_v6 = strchr(place->address, ':') != NULL;
        struct str other = arena_printf(session->arena, "::%s%s%s:%d", is_v6 ? "[" : "", place->address,
                                        is_v6 ? "]" : "", place->port);
        to = curl_slist_append(NULL, other.p);
        if (!to) abort();
        curl_easy_setopt(session->curl, CURLOPT_CONNECT_TO, to);
    }
    CURLcode code = curl_easy_perform(session->curl);
    curl_easy_setopt(session->curl, CURLOPT_CONNECT_TO, NULL);
    curl_slist_free_all(to);
    return code;
}

/* ---- what came of it ---- */

/* Where a request can be, and where a person looks when it is not taken there, or gets no answer at all. */
struct stage {
    const char *what, *not_taken, *silent;
};

/*
 * CODE and what the server said, as an answer. STAGES: what the request is at, by the number of commands that the
 * server has said yes to; with more, the last of the N.
 */
static enum outcome judge(struct session *session, CURLcode code, const struct stage *stages, size_t n, bool is_imap,
                          struct answer *answer) {
    if (code == CURLE_OK) return OUTCOME_DONE;
    const char *error = session->error[0] ? session->error : curl_easy_strerror(code);
    struct str text;
    size_t n_yes;
    enum words_kind kind = words_judge(buf_str(&session->lines), is_imap, &text, &n_yes);
    struct str shown = words_shown(text, session->secrets, SECRET_END, session->arena);
    const struct stage *stage = &stages[n_yes < n ? n_yes : n - 1];
    const char *what = stage->what;
    if (kind == WORDS_NO) return answer_set(answer, OUTCOME_REFUSED, "%s was refused: %.*s", what, STR_ARG(shown));
    if (kind == WORDS_NOT_NOW)
        return answer_set(answer, OUTCOME_UNKNOWN, "%s was not taken: %.*s; see %s", what, STR_ARG(shown),
                          stage->not_taken);
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return answer_set(answer, OUTCOME_REFUSED, "%s: the certificate is not good for %s: %s", what,
                          session->servers->host, error);
    case CURLE_OPERATION_TIMEDOUT:
        return answer_set(answer, OUTCOME_UNKNOWN, "%s: no answer within %ld ms; see %s", what, session->limit_ms,
                          stage->silent);
    case CURLE_WRITE_ERROR:
        return answer_set(answer, OUTCOME_UNKNOWN, "%s: the server's answer is too long", what);
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return answer_set(answer, OUTCOME_UNKNOWN, "%s: the connection broke: %s; see %s", what, error, stage->silent);
    default:
        return answer_set(answer, OUTCOME_UNKNOWN, "%s: %s; see %s", what, error, stage->silent);
    }
}

/* ---- IMAP ---- */

static enum outcome imap(struct session *session, const struct session_step *step, struct answer *answer) {
    static const char log[] = "Dovecot's log", up[] = "whether Dovecot is up";
    const struct stage stages[] = {
        {"login over IMAP", log, up},
        {"login over IMAP", log, up},
        {arena_printf(session->arena, "opening %s over IMAP", step->folder).p, log, up},
        {step->what, log, up},
    };
    bool was_open = session->is_open;
    long n_connects = 0;
    CURLcode code = perform(session, &session->servers->imap);
    curl_easy_getinfo(session->curl, CURLINFO_NUM_CONNECTS, &n_connects);
    session->is_open = code == CURLE_OK; /* libcurl closes it after any failure */
    size_t first = was_open && !n_connects ? ARRAY_LEN(stages) - 1 : 0;
    return judge(session, code, stages + first, ARRAY_LEN(stages) - first, true, answer);
}

enum outcome session_command(struct session *session, const struct session_step *step, const char *command,
                             struct str *ret_lines, struct answer *answer) {
    prepare(session, "imaps", &session->servers->imap, str_of(step->folder), step->limit_ms);
    curl_easy_setopt(session->curl, CURLOPT_CUSTOMREQUEST, command);
    enum outcome outcome = imap(session, step, answer);
    *ret_lines = arena_str(session->arena, buf_str(&session->lines));
    return outcome;
}

enum outcome session_fetch(struct session *session, const struct session_step *step, uint32_t uid, struct str *ret,
                           struct answer *answer) {
    struct str path = arena_printf(session->arena, "%s;UID=%u", step->folder, uid);
    prepare(session, "imaps", &session->servers->imap, path, step->limit_ms);
    enum outcome outcome = imap(session, step, answer);
    *ret = arena_str(session->arena, buf_str(&session->body));
    return outcome;
}

/* ---- submission ---- */

enum outcome session_submit(struct session *session, struct str message, int64_t limit_ms, struct answer *answer) {
    static const char log[] = "Postfix's log", logs[] = "the logs of Postfix and of both signers",
                      up[] = "whether Postfix is up", login[] = "whether Dovecot and both signers are up",
                      lookup[] = "whether mail-lookup is up";
    static const struct stage stages[] = {
        {"the connection for submission", log, up},      {"the connection for submission", log, up},
        {"login for submission", login, login},          {"the sender at submission", log, up},
        {"the recipient at submission", lookup, lookup}, {"the message at submission", logs, logs},
    };
    CURL *curl = session->curl;
    /* The path is what EHLO says: a name that there is. */
    prepare(session, "smtps", &session->servers->submission, check_domain_of(str_of(session->email)), limit_ms);
    const char *address = arena_printf(session->arena, "<%s>", session->email).p;
    struct curl_slist *recipients = curl_slist_append(NULL, address);
    if (!recipients) abort();
    session->upload = message;
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, address);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)message.n);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_upload);
    curl_easy_setopt(curl, CURLOPT_READDATA, session);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    CURLcode code = perform(session, &session->servers->submission);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(recipients);
    enum outcome outcome = judge(session, code, stages, ARRAY_LEN(stages), false, answer);
    /* libcurl sends without a login when the server offers none. */
    if (outcome == OUTCOME_DONE && !words_has_code(buf_str(&session->lines), SMTP_LOGGED_IN))
        return answer_set(answer, OUTCOME_REFUSED, "submission takes messages without a login");
    return outcome;
}

/* ---- from open to close ---- */

struct session *session_open(struct session_pool *pool, const struct check_servers *servers, struct str email,
                             struct str password, int64_t deadline_ms, struct arena *arena) {
    struct session *session = ARENA_NEW(arena, struct session);
    size_t n_plain = email.n + password.n + 2,
           n_base64 = sodium_base64_ENCODED_LEN(n_plain, sodium_base64_VARIANT_ORIGINAL);
    *session = (struct session){
        .pool = pool,
        .servers = servers,
        .email = arena_cstr(arena, email),
        .password = arena_alloc(arena, password.n + 1),
        .plain = arena_alloc(arena, n_base64),
        .deadline_ms = deadline_ms,
        .arena = arena,
        .curl = take_handle(pool),
    };
    if (password.n) memcpy(session->password, password.p, password.n);
    unsigned char *plain = arena_alloc(arena, n_plain);
    memcpy(plain + 1, email.p, email.n);
    if (password.n) memcpy(plain + email.n + 2, password.p, password.n);
    sodium_bin2base64(session->plain, n_base64, plain, n_plain, sodium_base64_VARIANT_ORIGINAL);
    sodium_memzero(plain, n_plain);
    session->secrets[SECRET_PASSWORD] = str_of(session->password);
    session->secrets[SECRET_PLAIN] = str_of(session->plain);
    buf_init(&session->lines, LINES_MAX_BYTES);
    buf_init(&session->body, BODY_MAX_BYTES);
    return session;
}

void session_close(struct session *session) {
    if (session->is_open) { /* a handle is kept without connections: they are this user's */
        session->deadline_ms = clock_steady_ms() + CLOSE_MS;
        prepare(session, "imaps", &session->servers->imap, STR(""), CLOSE_MS);
        curl_easy_setopt(session->curl, CURLOPT_CUSTOMREQUEST, "NOOP");
        curl_easy_setopt(session->curl, CURLOPT_FORBID_REUSE, 1L);
        (void)perform(session, &session->servers->imap);
    }
    give_handle(session->pool, session->curl);
    sodium_memzero(session->password, strlen(session->password));
    sodium_memzero(session->plain, strlen(session->plain));
    buf_finish(&session->lines);
    buf_finish(&session->body);
}
