/*
 * Whom a call connects to is judged where the socket is made, by the address that the name was resolved to, so that a
 * name which changes its mind gains nothing.
 */
#include "driver/web/web.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "core/target.h"

enum {
    IDLE_MAX = 16,         /* handles kept with their open connections */
    HEAD_MAX_BYTES = 65536 /* header fields of an answer */
};

struct web {
    pthread_mutex_t mutex;
    CURL *idle[2][IDLE_MAX]; /* [1]: used for public addresses only, so their connections were judged */
    size_t n_idle[2];
};

/* One call under way. */
struct call {
    const struct web_request *request;
    bool was_private, is_too_long;
    size_t body_bytes, head_bytes;
    struct buf body, head;
};

/* ---- what libcurl calls back ---- */

static bool is_public(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return target_address_is_public((const unsigned char *)&in.sin_addr, sizeof in.sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        return target_address_is_public(in6.sin6_addr.s6_addr, sizeof in6.sin6_addr.s6_addr);
    }
    return false;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
    struct call *call = arg;
    if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
    if (call->request->public_only && !is_public(&address->addr)) {
        call->was_private = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take_body(char *bytes, size_t size, size_t n, void *arg) {
    struct call *call = arg;
    call->body_bytes += size * n;
    call->is_too_long |= call->body_bytes > call->request->answer_max_bytes;
    if (call->is_too_long) return 0;
    if (!call->request->forget_answer) buf_add(&call->body, (struct str){bytes, size * n});
    return size * n;
}

static size_t take_head(char *bytes, size_t size, size_t n, void *arg) {
    struct call *call = arg;
    struct str line = {bytes, size * n};
    call->head_bytes += line.n;
    if (call->head_bytes > HEAD_MAX_BYTES) return 0;
    if (call->request->forget_answer) return line.n;
    if (str_starts(line, "HTTP/")) buf_clear(&call->head); /* a further answer, after a 100 */
    buf_add(&call->head, line);
    return line.n;
}

/* ---- handles ---- */

/* Not before the first call: the TLS library takes some MiB, and many servers never call out. */
static void start_curl(void) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) abort();
}

void web_start(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
}

static CURL *take_handle(struct web *web, bool public_only) {
    web_start();
    pthread_mutex_lock(&web->mutex);
    size_t *n = &web->n_idle[public_only];
    CURL *handle = *n ? web->idle[public_only][--*n] : NULL;
    pthread_mutex_unlock(&web->mutex);
    if (!handle) handle = curl_easy_init();
    if (!handle) abort();
    return handle;
}

static void give_handle(struct web *web, CURL *handle, bool public_only) {
    curl_easy_reset(handle);
    pthread_mutex_lock(&web->mutex);
    size_t *n = &web->n_idle[public_only];
    bool kept = *n < IDLE_MAX;
    if (kept) web->idle[public_only][(*n)++] = handle;
    pthread_mutex_unlock(&web->mutex);
    if (!kept) curl_easy_cleanup(handle);
}

/* ---- one call ---- */

static struct curl_slist *add_line(struct curl_slist *list, const char *line) {
    struct curl_slist *grown = curl_slist_append(list, line);
    if (!grown) abort();
    return grown;
}

static struct curl_slist *header_list(const struct web_request *request, struct arena *arena) {
    /* Not waiting for 100-continue: the body is small. */
    struct curl_slist *list = add_line(NULL, "Expect:");
    for (size_t i = 0; i < request->n_headers; i++) {
        const struct web_header *header = &request->headers[i];
        /* "Name;" is how libcurl writes a field without a value. */
        struct str line = header->value.n
                              ? arena_printf(arena, "%.*s: %.*s", STR_ARG(header->name), STR_ARG(header->value))
                              : arena_printf(arena, "%.*s;", STR_ARG(header->name));
        list = add_line(list, arena_cstr(arena, line));
    }
    return list;
}

static void prepare(CURL *handle, struct call *call, struct curl_slist *headers, struct arena *arena) {
    const struct web_request *request = call->request;
    curl_easy_setopt(handle, CURLOPT_URL, arena_cstr(arena, request->url));
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    /* Through a proxy it would be the proxy that resolves the name. */
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "dfyd/" DFYD_VERSION);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    bool is_post = strcmp(request->method, "POST") == 0;
    if (is_post || request->body.n) {
        curl_easy_setopt(handle, CURLOPT_POST, 1L);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request->body.n ? request->body.p : "");
    }
    if (!is_post) curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, call);
}

static enum web_result judge(CURL *handle, CURLcode code, struct call *call, struct arena *arena,
                             struct web_reply *ret) {
    long status = 0;
    curl_off_t took_us = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(handle, CURLINFO_TOTAL_TIME_T, &took_us);
    *ret = (struct web_reply){.status = (int)status, .took_ms = took_us / 1000, .reason = ""};
    ret->head = arena_str(arena, buf_str(&call->head));
    ret->body = arena_str(arena, buf_str(&call->body));
    if (code == CURLE_OK) return WEB_ANSWERED;
    if (code == CURLE_WRITE_ERROR && call->is_too_long) return WEB_TOO_LONG;
    if (code == CURLE_COULDNT_CONNECT && call->was_private) return WEB_PRIVATE;
    ret->reason = curl_easy_strerror(code);
    return WEB_FAILED;
}

enum web_result web_call(struct web *web, const struct web_request *request, struct arena *arena,
                         struct web_reply *ret) {
    struct call call = {.request = request};
    buf_init(&call.body, request->answer_max_bytes);
    buf_init(&call.head, HEAD_MAX_BYTES);
    struct curl_slist *headers = header_list(request, arena);
    CURL *handle = take_handle(web, request->public_only);
    prepare(handle, &call, headers, arena);
    CURLcode code = curl_easy_perform(handle);
    if (code == CURLE_OK && (!buf_ok(&call.body) || !buf_ok(&call.head)))
        abort(); /* no memory: the limits are checked */
    enum web_result result = judge(handle, code, &call, arena, ret);
    give_handle(web, handle, request->public_only);
    curl_slist_free_all(headers);
    buf_finish(&call.head);
    buf_finish(&call.body);
    return result;
}

struct str web_reply_header(const struct web_reply *reply, const char *name) {
    size_t n = strlen(name);
    struct str rest = reply->head;
    while (rest.n) {
        struct str line = str_cut(rest, '\n', &rest);
        if (line.n > n && line.p[n] == ':' && strncasecmp(line.p, name, n) == 0)
            return str_trim((struct str){line.p + n + 1, line.n - n - 1});
    }
    return STR("");
}

struct web *web_create(void) {
    struct web *web = calloc(1, sizeof *web);
    if (!web) abort();
    pthread_mutex_init(&web->mutex, NULL);
    return web;
}

void web_destroy(struct web *web) {
    if (!web) return;
    for (size_t kind = 0; kind < 2; kind++)
        for (size_t i = 0; i < web->n_idle[kind]; i++) curl_easy_cleanup(web->idle[kind][i]);
    pthread_mutex_destroy(&web->mutex);
    free(web);
}
