/*
 * The hook driver over libcurl. Whom it connects to is judged where the socket is made, by the address that the name
 * was resolved to, so that a name which changes its mind gains nothing.
 */
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/target.h"
#include "driver/hook/hook.h"

enum {
    IDLE_MAX = 16,             /* handles kept with their open connections */
    BODY_MAX_BYTES = 65536,    /* of the answer; it is thrown away, but the connection stays usable if it was short */
    HEADERS_MAX_BYTES = 65536, /* the same */
};

struct curl_hook {
    struct hook base;
    pthread_mutex_t mutex;
    CURL *idle[IDLE_MAX];
    size_t n_idle;
};

/* One call under way. */
struct call {
    bool may_be_private, was_private;
    size_t body_bytes, header_bytes;
    bool is_too_long;
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
    if (!call->may_be_private && !is_public(&address->addr)) {
        call->was_private = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take_body(char *bytes, size_t size, size_t n, void *arg) {
    struct call *call = arg;
    (void)bytes;
    call->body_bytes += size * n;
    call->is_too_long |= call->body_bytes > BODY_MAX_BYTES;
    return call->is_too_long ? 0 : size * n;
}

static size_t take_header(char *bytes, size_t size, size_t n, void *arg) {
    struct call *call = arg;
    (void)bytes;
    call->header_bytes += size * n;
    return call->header_bytes > HEADERS_MAX_BYTES ? 0 : size * n;
}

/* ---- handles ---- */

/* With the connections it had; they were judged when they were opened, under the same setting. */
static CURL *take_handle(struct curl_hook *h) {
    pthread_mutex_lock(&h->mutex);
    CURL *handle = h->n_idle ? h->idle[--h->n_idle] : NULL;
    pthread_mutex_unlock(&h->mutex);
    if (!handle) handle = curl_easy_init();
    if (!handle) abort();
    return handle;
}

static void give_handle(struct curl_hook *h, CURL *handle) {
    curl_easy_reset(handle);
    pthread_mutex_lock(&h->mutex);
    bool kept = h->n_idle < IDLE_MAX;
    if (kept) h->idle[h->n_idle++] = handle;
    pthread_mutex_unlock(&h->mutex);
    if (!kept) curl_easy_cleanup(handle);
}

/* ---- one post ---- */

static struct curl_slist *add_line(struct curl_slist *list, const char *line) {
    struct curl_slist *grown = curl_slist_append(list, line);
    if (!grown) abort();
    return grown;
}

static struct curl_slist *header_list(const struct hook_post *post, struct arena *arena) {
    /* Not waiting for 100-continue: the body is small. */
    struct curl_slist *list = add_line(NULL, "Content-Type: application/json; charset=utf-8");
    list = add_line(list, "Expect:");
    for (size_t i = 0; i < post->n_headers; i++) {
        const struct hook_header *header = &post->headers[i];
        /* "Name;" is how libcurl writes a field without a value. */
        struct str line = header->value.n
                              ? arena_printf(arena, "%.*s: %.*s", STR_ARG(header->name), STR_ARG(header->value))
                              : arena_printf(arena, "%.*s;", STR_ARG(header->name));
        list = add_line(list, arena_cstr(arena, line));
    }
    return list;
}

static void prepare(CURL *handle, const struct hook_post *post, struct curl_slist *headers, struct call *call,
                    struct arena *arena) {
    curl_easy_setopt(handle, CURLOPT_URL, arena_cstr(arena, post->url));
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    /* Through a proxy it would be the proxy that resolves the name. */
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)post->timeout_ms);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)post->timeout_ms);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "dfyd/" DFYD_VERSION);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.n);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, post->body.p);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, call);
}

static enum outcome judge(CURL *handle, CURLcode code, const struct call *call, struct hook_answer *ret) {
    long status = 0;
    curl_off_t took_us = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(handle, CURLINFO_TOTAL_TIME_T, &took_us);
    ret->status = (int)status;
    ret->took_ms = took_us / 1000;
    /* An answer that was cut here for its length is judged by its status like any other. */
    bool is_whole = code == CURLE_OK || (code == CURLE_WRITE_ERROR && call->is_too_long);
    if (is_whole && status >= 200 && status < 300) return OUTCOME_DONE;
    if (is_whole && status >= 300 && status < 400)
        return answer_set(&ret->answer, OUTCOME_UNKNOWN, "the target answered %ld; redirects are not followed", status);
    if (is_whole) return answer_set(&ret->answer, OUTCOME_UNKNOWN, "the target answered %ld", status);
    if (call->was_private && code == CURLE_COULDNT_CONNECT)
        return answer_set(&ret->answer, OUTCOME_REFUSED,
                          "the target's address is private, of this machine or reserved: nothing was sent");
    return answer_set(&ret->answer, OUTCOME_UNKNOWN, "%s", curl_easy_strerror(code));
}

static enum outcome post(struct hook *hook, const struct hook_post *post, struct hook_answer *ret) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct curl_hook *h = (struct curl_hook *)hook;
    struct call call = {.may_be_private = post->may_be_private};
    struct curl_slist *headers = header_list(post, arena);
    CURL *handle = take_handle(h);
    prepare(handle, post, headers, &call, arena);
    enum outcome outcome = judge(handle, curl_easy_perform(handle), &call, ret);
    give_handle(h, handle);
    curl_slist_free_all(headers);
    return outcome;
}

static void destroy(struct hook *hook) {
    struct curl_hook *h = (struct curl_hook *)hook;
    for (size_t i = 0; i < h->n_idle; i++) curl_easy_cleanup(h->idle[i]);
    pthread_mutex_destroy(&h->mutex);
    free(h);
    curl_global_cleanup();
}

struct hook *hook_curl_create(void) {
    static const struct hook_ops ops = {.name = "curl", .post = post, .destroy = destroy};
    struct curl_hook *h = calloc(1, sizeof *h);
    if (!h || curl_global_init(CURL_GLOBAL_DEFAULT)) abort();
    h->base.ops = &ops;
    pthread_mutex_init(&h->mutex, NULL);
    return &h->base;
}
