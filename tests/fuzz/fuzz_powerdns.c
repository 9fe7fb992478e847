/*
 * fuzz_powerdns: bytes as an answer of PowerDNS's to a look at a zone, and as text of a record. Whatever they are: only
 * an answer of 200 is a zone, reasons are printable and without the key, what is sent back is JSON, and text comes
 * back.
 */
#include <stdlib.h>

#include "driver/dns/powerdns/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

static void is_printable(const char *text) {
    must(text[0] != '\0');
    for (; *text; text++) must(*text >= ' ' && *text <= '~');
}

static void answer_it(const struct powerdns_zone *is, struct arena *arena) {
    struct str nameserver = STR("ns1.test"), value = STR("mine");
    const struct powerdns p = {.nameservers = &nameserver, .n_nameservers = 1};
    struct zone_change changes[] = {
        {.to = {.name = STR("a.test"), .type = "TXT", .ttl = 300, .data = &value, .n_data = 1}},
        {.to = {.name = STR("a.test"), .type = "MX"}},
    };
    struct rrset served = powerdns_served(is, STR("a.test"), "TXT", arena);
    for (size_t i = 0; i < served.n_data; i++) must(served.data[i].p != NULL);
    must(served.ttl >= 0 && (served.n_data || !served.ttl));
    struct buf body;
    buf_init(&body, POWERDNS_BODY_MAX_BYTES);
    powerdns_change_body(&p, STR("a.test"), is, !powerdns_find(is, STR("a.test"), "SOA"), changes, ARRAY_LEN(changes),
                         arena, &body);
    must(buf_ok(&body));
    yyjson_doc *doc = yyjson_read(body.p, body.n, 0);
    must(yyjson_arr_size(yyjson_obj_get(yyjson_doc_get_root(doc), "rrsets")) >= 2);
    yyjson_doc_free(doc);
    buf_finish(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int statuses[] = {200, 404, 422, 500, 401, 204, 302, 0};
    if (size < 1) return 0;
    struct arena *arena = arena_create(4096);
    struct str body = {(const char *)data + 1, size - 1};
    const struct web_reply web = {.status = statuses[data[0] % ARRAY_LEN(statuses)], .body = body, .reason = ""};
    struct powerdns_reply reply;
    struct powerdns_zone zone;
    struct answer answer = {0};
    powerdns_reply_read(WEB_ANSWERED, &web, STR("0k3y"), arena, &reply);
    must(powerdns_unclear(&reply, &answer) == OUTCOME_UNKNOWN);
    is_printable(answer.reason);
    must(!strstr(answer.reason, "0k3y"));
    if (powerdns_zone_read(&reply, STR("a.test"), arena, &zone)) {
        must(web.status == 200);
        answer_it(&zone, arena);
    }
    struct str content = powerdns_content("TXT", body, arena);
    must(str_eq(powerdns_value("TXT", content, arena), body));
    must(powerdns_value("TXT", body, arena).n <= body.n);
    arena_destroy(arena);
    return 0;
}
