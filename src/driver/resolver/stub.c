#include "driver/resolver/stub.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "driver/dns/carry.h"
#include "driver/resolver/reply.h"

enum { TRY_MS = 2000, TRIES = 2, ALL_TRIES = 4, SERVERS_MAX = 3, HOPS_MAX = 8, DNS_PORT = 53, PATH_BYTES = 512 };

struct stub {
    struct resolver base;
    struct carry_server server; /* size 0: those of the file */
    char resolv_conf[PATH_BYTES];
    int64_t try_ms;
};

struct servers {
    struct carry_server list[SERVERS_MAX];
    size_t n;
};

/* One call. */
struct asking {
    struct servers servers;
    bool has_answered[SERVERS_MAX]; /* what it said would be the same a second time */
    int64_t try_ms, until_ms;
    struct arena *arena;
    struct answer *answer;
};

/* ---- whom to ask ---- */

/* The lines "nameserver ADDRESS", at most three of them; without any it is this machine (resolv.conf(5)). */
static struct servers system_servers(const char *path) {
    struct servers servers = {0};
    char line[512], address[128];
    FILE *file = fopen(path, "re");
    while (file && servers.n < SERVERS_MAX && fgets(line, sizeof line, file))
        if (sscanf(line, "nameserver %127s", address) == 1 &&
            carry_server_of(address, DNS_PORT, &servers.list[servers.n]))
            servers.n++;
    if (file) fclose(file);
    if (!servers.n && carry_server_of("127.0.0.1", DNS_PORT, &servers.list[0])) servers.n = 1;
    return servers;
}

/* ---- one question to one server ---- */

static bool fits(void *arg, struct str message) {
    return reply_fits(arg, message);
}

static bool over_tcp(const struct carry_server *server, const struct question *question, int64_t until_ms,
                     struct arena *arena, struct reply *ret, char why[CARRY_WHY]) {
    struct str message;
    int fd = carry_connect(server, until_ms, why);
    if (fd < 0) return false;
    bool ok = carry_send(fd, question->bytes, until_ms, why) && carry_receive(fd, until_ms, arena, &message, why);
    carry_close(fd);
    if (!ok) return false;
    *ret = (struct reply){.kind = REPLY_BAD, .reason = "its answer over TCP is to another question"};
    if (!reply_fits(question, message)) return true;
    reply_read(question, message, arena, ret);
    if (ret->kind == REPLY_CUT) *ret = (struct reply){.kind = REPLY_BAD, .reason = "its answer over TCP is cut off"};
    return true;
}

static bool ask_once(const struct carry_server *server, struct str name, const char *type, bool with_edns,
                     int64_t until_ms, struct arena *arena, struct reply *ret, char why[CARRY_WHY]) {
    struct rng rng = rng_system();
    struct question question;
    struct str message;
    uint16_t random;
    rng_fill(&rng, &random, sizeof random);
    *ret = (struct reply){.kind = REPLY_BAD, .reason = "no question can be made of it"};
    if (!question_write(name, type, with_edns, random, arena, &question)) return true;
    if (!carry_udp(server, question.bytes, until_ms, fits, &question, arena, &message, why)) return false;
    reply_read(&question, message, arena, ret);
    return ret->kind != REPLY_CUT || over_tcp(server, &question, until_ms, arena, ret, why);
}

/* ---- all servers ---- */

/* True when there is an answer that can be used; else the reason is set. */
static bool try_server(struct asking *asking, size_t i, struct str name, const char *type, struct reply *ret) {
    const struct carry_server *server = &asking->servers.list[i];
    char why[CARRY_WHY];
    int64_t until_ms = clock_steady_ms() + asking->try_ms;
    if (until_ms > asking->until_ms) until_ms = asking->until_ms;
    bool said = ask_once(server, name, type, true, until_ms, asking->arena, ret, why) &&
                (ret->kind != REPLY_NO_EDNS || ask_once(server, name, type, false, until_ms, asking->arena, ret, why));
    if (said && ret->kind != REPLY_BAD) return true;
    asking->has_answered[i] = said;
    answer_set(asking->answer, OUTCOME_UNKNOWN, "the resolver at %s: %s (asked for %.*s %s)", server->text,
               said ? ret->reason : why, STR_ARG(name), type);
    return false;
}

static bool try_all(struct asking *asking, struct str name, const char *type, struct reply *ret) {
    memset(asking->has_answered, 0, sizeof asking->has_answered);
    for (int tries = 0; tries < TRIES; tries++)
        for (size_t i = 0; i < asking->servers.n; i++)
            if (!asking->has_answered[i] && clock_steady_ms() < asking->until_ms &&
                try_server(asking, i, name, type, ret))
                return true;
    return false;
}

static enum outcome ask(struct resolver *r, struct str name, const char *type, struct arena *arena, struct rrset *ret,
                        struct answer *answer) {
    const struct stub *stub = (const struct stub *)r;
    struct asking asking = {.try_ms = stub->try_ms,
                            .until_ms = clock_steady_ms() + ALL_TRIES * stub->try_ms,
                            .arena = arena,
                            .answer = answer};
    if (stub->server.size)
        asking.servers = (struct servers){{stub->server}, 1};
    else
        asking.servers = system_servers(stub->resolv_conf);
    answer_set(answer, OUTCOME_UNKNOWN, "no resolver answered in time");
    struct question question;
    if (!question_write(name, type, true, 0, arena, &question))
        return answer_set(answer, OUTCOME_UNKNOWN, "nothing that can be asked for: %.*s %s", STR_ARG(name), type);
    struct str asked = name;
    for (int hops = 0; hops < HOPS_MAX; hops++) {
        struct reply reply;
        if (!try_all(&asking, asked, type, &reply)) return OUTCOME_UNKNOWN;
        *ret = reply.set;
        ret->name = arena_str(arena, name);
        ret->type = type;
        if (reply.kind != REPLY_ALIAS) return OUTCOME_DONE;
        asked = reply.alias;
    }
    return answer_set(answer, OUTCOME_UNKNOWN, "the aliases of %.*s are too many, or go round in circles",
                      STR_ARG(name));
}

/* ---- life ---- */

static void destroy(struct resolver *r) {
    free(r);
}

static const struct resolver_ops ops = {.name = "stub", .ask = ask, .destroy = destroy};

static bool fill(const struct stub_config *config, struct stub *stub, struct error *reterr) {
    bool is_system = !config->host || !config->host[0];
    const char *path = config->resolv_conf ? config->resolv_conf : "/etc/resolv.conf";
    int n = snprintf(stub->resolv_conf, sizeof stub->resolv_conf, "%s", path);
    if (n < 0 || (size_t)n >= sizeof stub->resolv_conf)
        return error_set(reterr, ERR_INVALID, "resolver: the path of %s is too long", path);
    if (!is_system && (!config->port || !carry_server_of(config->host, config->port, &stub->server)))
        return error_set(reterr, ERR_INVALID, "resolver: %s port %u is no numeric address with a port", config->host,
                         (unsigned)config->port);
    stub->base.ops = &ops;
    stub->try_ms = config->try_ms ? config->try_ms : TRY_MS;
    return true;
}

bool resolver_stub_open(const struct stub_config *config, struct resolver **ret, struct error *reterr) {
    struct stub *stub = calloc(1, sizeof *stub);
    if (!stub) return error_set(reterr, ERR_UNAVAILABLE, "resolver: out of memory");
    if (!fill(config, stub, reterr)) {
        free(stub);
        return false;
    }
    *ret = &stub->base;
    return true;
}
