#include "edge/edge.h"

#include <stdlib.h>

#include "base/log.h"
#include "core/target.h"
#include "driver/mailbox/mailbox.h"
#include "edge/names.h"

enum { HOST_MAX = 253 };

struct edge {
    struct edge_config config;
    unsigned mail_providers; /* bit 1 << provider: those of this mail host */
    struct names *names;
    struct judge *judge;
    bool is_stale; /* of edge_tidy */
};

bool edge_create(const struct edge_config *config, struct edge **ret, struct error *reterr) {
    struct names *names;
    if (!names_create(config->world->store, &names, reterr)) return false;
    struct edge *edge = calloc(1, sizeof *edge);
    if (!edge) abort();
    edge->config = *config;
    edge->mail_providers = config->world->drivers->mailbox->ops->providers;
    edge->names = names;
    edge->judge = judge_create(&(struct judge_config){
        .resolver = config->world->drivers->resolver,
        .allows_private = config->private_targets,
        .http_port = config->http_port,
        .https_port = config->https_port,
    });
    log_event(LOG_INFO, "edge_names_read", LOG_INT("domains", names_count(names)));
    *ret = edge;
    return true;
}

void edge_destroy(struct edge *edge) {
    if (!edge) return;
    judge_destroy(edge->judge);
    names_destroy(edge->names);
    free(edge);
}

void edge_tidy(struct edge *edge) {
    if (!edge) return;
    struct error error = {0};
    bool ok = names_tidy(edge->names, &error);
    if (!ok && !edge->is_stale)
        log_event(LOG_WARN, "edge_names_stale", LOG_TEXT("error", error.message),
                  LOG_TEXT("then", "what was known is served on; tried again each second"));
    if (ok && edge->is_stale) log_event(LOG_INFO, "edge_names_current", LOG_INT("domains", names_count(edge->names)));
    edge->is_stale = !ok;
    judge_tidy(edge->judge);
}

/* ---- answers ---- */

static enum http_verdict answer(struct http_response *response, int status, const char *text) {
    response->status = status;
    response->content_type = "text/plain; charset=utf-8";
    buf_add(&response->body, str_of(text));
    return HTTP_ANSWER;
}

static enum http_verdict not_served(struct http_response *response) {
    return answer(response, 404, "There is no website here.\n");
}

static void add_header(struct http_response *response, const char *name, struct str value) {
    char text[HOST_MAX + 1];
    size_t n = value.n <= HOST_MAX ? value.n : HOST_MAX;
    memcpy(text, value.p, n);
    text[n] = '\0';
    http_response_header(response, name, text);
}

static enum http_verdict answer_mode(struct http_response *response, const char *mode, struct str target,
                                     const char *address) {
    http_response_header(response, "X-Dfy-Mode", mode);
    if (target.n) add_header(response, "X-Dfy-Target", target);
    if (address) http_response_header(response, "X-Dfy-Address", address);
    return answer(response, 200, "");
}

static enum http_verdict answer_verdict(struct http_response *response, const struct verdict *verdict,
                                        struct str target) {
    switch (verdict->state) {
    case VERDICT_GOOD:
        return answer_mode(response, verdict->is_https ? "proxy-https" : "proxy-http", target, verdict->address);
    case VERDICT_PRIVATE:
        return answer(response, 403, "This website is forwarded to an address that is not on the public Internet.\n");
    case VERDICT_NO_ADDRESS:
        return answer(response, 502, "This website is forwarded to a name that has no address.\n");
    case VERDICT_OPEN:
        break;
    }
    http_response_header(response, "Retry-After", "5");
    return answer(response, 503, "Where this website is forwarded to cannot be looked up now. Try again.\n");
}

/* ---- names ---- */

/* Lower case, without port and final dot; the empty text for what is no host name. ROOM holds HOST_MAX bytes. */
static struct str read_host(struct str text, char *room) {
    struct str port, host = str_cut(text, ':', &port);
    if (host.n && host.p[host.n - 1] == '.') host.n--;
    if (host.n > HOST_MAX) return STR("");
    for (size_t i = 0; i < host.n; i++) {
        room[i] = host.p[i];
        if (room[i] >= 'A' && room[i] <= 'Z') room[i] |= 0x20;
    }
    return (struct str){room, host.n};
}

/* The value of NAME ("host=") in a query, as sent: host names need no escapes. */
static struct str parameter(struct str query, const char *name) {
    while (query.n) {
        struct str pair = str_cut(query, '&', &query);
        size_t n = strlen(name);
        if (str_starts(pair, name)) return (struct str){pair.p + n, pair.n - n};
    }
    return STR("");
}

/* Whether HOST is one of the names of a domain with mail here, and which. Between names_begin and names_end. */
static enum mail_name find_mail(struct edge *edge, struct str host, struct str *ret_domain) {
    struct served served;
    enum mail_name name = mail_name_of(host, ret_domain);
    if (name == MAIL_NONE || !edge->config.mail.name.n || !names_find(edge->names, *ret_domain, &served))
        return MAIL_NONE;
    if (name == MAIL_STS && edge->config.mail.mta_sts == MTA_STS_OFF) return MAIL_NONE;
    return edge->mail_providers & 1U << served.mail_provider ? name : MAIL_NONE;
}

/* ---- the three questions ---- */

static enum http_verdict ask(struct edge *edge, const struct http_request *request, struct http_response *response) {
    char room[HOST_MAX];
    struct str name = read_host(parameter(request->query, "domain="), room), domain = STR("");
    struct served served;
    names_begin(edge->names);
    bool is_served = name.n && (names_find_site(edge->names, name, &served) || find_mail(edge, name, &domain));
    names_end(edge->names);
    return is_served ? answer(response, 200, "") : not_served(response);
}

/* Between names_begin and names_end. */
static enum http_verdict route_site(struct edge *edge, const struct served *site, struct arena *arena,
                                    struct http_response *response, void **ret_state) {
    if (names_is_loop(edge->names, site->domain, site->target))
        return answer(response, 508, "This website is forwarded to itself.\n");
    struct verdict verdict = {.state = VERDICT_PRIVATE};
    if (site->mode == FORWARDING_REDIRECT) {
        bool is_fine = edge->config.private_targets || !target_host_is_private(site->target);
        if (is_fine) return answer_mode(response, "redirect", site->target, NULL);
        return answer_verdict(response, &verdict, site->target);
    }
    if (judge_known(edge->judge, site->target, &verdict)) return answer_verdict(response, &verdict, site->target);
    struct str *target = ARENA_NEW(arena, struct str);
    *target = arena_str(arena, site->target);
    *ret_state = target;
    return HTTP_DEFER;
}

static enum http_verdict route(struct edge *edge, const struct http_request *request, struct arena *arena,
                               struct http_response *response, void **ret_state) {
    char room[HOST_MAX];
    struct str given = parameter(request->query, "host="), domain = STR("");
    struct str host = read_host(given.n ? given : http_header(request, "X-Forwarded-Host", NULL), room);
    struct served site;
    enum http_verdict verdict;
    names_begin(edge->names);
    if (names_find_site(edge->names, host, &site))
        verdict = route_site(edge, &site, arena, response, ret_state);
    else if (find_mail(edge, host, &domain))
        verdict = answer_mode(response, "dfyd", STR(""), NULL);
    else
        verdict = not_served(response);
    names_end(edge->names);
    return verdict;
}

/* REST: what stands after "/mail/", a host and a path. */
static enum http_verdict document(struct edge *edge, struct str rest, struct str body, struct http_response *response) {
    char room[HOST_MAX];
    struct str path, domain = STR(""), host = read_host(str_cut(rest, '/', &path), room);
    names_begin(edge->names);
    enum mail_name name = find_mail(edge, host, &domain);
    names_end(edge->names);
    if (!mail_document(&edge->config.mail, name, domain, path, body, &response->body, &response->content_type))
        return not_served(response);
    response->status = 200;
    return HTTP_ANSWER;
}

/* ---- http ---- */

static enum http_verdict begin(void *ctx, const struct http_request *request, struct arena *arena,
                               struct http_response *response, void **ret_state) {
    struct edge *edge = ctx;
    static const char mail[] = "/mail/";
    if (request->body_too_large) return answer(response, 413, "That is too long.\n");
    if (str_starts(request->path, mail)) {
        size_t n = sizeof mail - 1;
        return document(edge, (struct str){request->path.p + n, request->path.n - n}, request->body, response);
    }
    if (!str_is(request->method, "GET")) return answer(response, 405, "Only GET is answered here.\n");
    if (str_is(request->path, "/ask")) return ask(edge, request, response);
    if (str_is(request->path, "/route")) return route(edge, request, arena, response, ret_state);
    return not_served(response);
}

static void run(void *ctx, const struct http_request *request, struct arena *arena, struct http_response *response,
                void *state) {
    struct edge *edge = ctx;
    const struct str *target = state;
    struct verdict verdict;
    (void)request;
    judge_ask(edge->judge, *target, arena, &verdict);
    answer_verdict(response, &verdict, *target);
}

static void refuse(void *ctx, const struct error *error, struct http_response *response) {
    (void)ctx;
    if (error_status(error->code) == 503) http_response_header(response, "Retry-After", "5");
    answer(response, error_status(error->code), error->message);
}

struct http_app edge_app(struct edge *edge) {
    return (struct http_app){.ctx = edge, .begin = begin, .run = run, .refuse = refuse};
}
