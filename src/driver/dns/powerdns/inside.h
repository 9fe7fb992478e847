/* inside: what the files of the driver `powerdns` share. */
#pragma once

#include <pthread.h>

#include <yyjson.h>

#include "base/buf.h"
#include "driver/dns/powerdns.h"
#include "driver/web/web.h"

/* Whose account a zone of dfyd's has. */
#define POWERDNS_ACCOUNT "dfyd"

/* When a zone without its own records was seen first, by the steady clock. */
struct powerdns_half_made {
    uint64_t hash;
    int64_t since_ms; /* 0: nothing here */
};

enum { POWERDNS_HALF_MADE_MAX = 32 };

struct powerdns {
    struct dns base;
    struct web *web;
    int64_t timeout_ms;
    char *url, *key;
    struct arena *arena; /* of the name servers */
    struct str *nameservers;
    size_t n_nameservers;
    /* Held while a zone is compared and written: with SQLite under it, PowerDNS lets all writes but one at a time fail.
     */
    pthread_mutex_t changing;
    pthread_mutex_t mutex; /* of the rest */
    struct powerdns_half_made half_made[POWERDNS_HALF_MADE_MAX];
    size_t n_half_made; /* seen in all */
};

/* ---- half_made.c ---- */

/* Whether ZONE, which has no SOA record, was seen so before, longer ago than any call that made it can take. */
bool powerdns_stays_half_made(struct powerdns *p, struct str zone);

/* ---- text.c: from PowerDNS's presentation form to the house's (core/records.h) and back. Pure. ---- */

/* Names in it are in lower case, TXT is one text. What cannot be read is taken as it stands. */
struct str powerdns_value(const char *type, struct str content, struct arena *arena);
/* TXT in strings of at most 255 bytes (RFC 1035 section 3.3), everything else as it is. In ASCII. */
struct str powerdns_content(const char *type, struct str value, struct arena *arena);
/* Lower case, without the final dot. */
struct str powerdns_name(struct str text, struct arena *arena);
/* Fit to stand in a URL: letters, digits, hyphens, underscores and dots, as in all names that dfyd makes. */
bool powerdns_name_is_plain(struct str name);

/* ---- reply.c: what PowerDNS answered, read strictly. Pure but for the arena. ---- */

struct powerdns_reply {
    enum web_result result;
    int status;         /* HTTP; 0: none came */
    const char *reason; /* of libcurl, with WEB_FAILED */
    yyjson_val *json;   /* NULL: there is none, or it is broken */
    struct str error;   /* PowerDNS's own words, fit to be shown; empty: none */
};

struct powerdns_record {
    struct str content, value; /* PowerDNS's form and the house's */
    bool is_disabled;          /* kept, not served */
};

struct powerdns_set {
    struct str name; /* lower case, no final dot */
    struct str type;
    int ttl;
    struct powerdns_record *records;
    size_t n_records;
};

struct powerdns_zone {
    struct str account;
    struct powerdns_set *sets;
    size_t n_sets;
};

/* SECRET is never in the words. */
void powerdns_reply_read(enum web_result result, const struct web_reply *web, struct str secret, struct arena *arena,
                         struct powerdns_reply *ret);
/* The zone in an answer of 200; false when it is none, or another one. */
bool powerdns_zone_read(const struct powerdns_reply *reply, struct str zone, struct arena *arena,
                        struct powerdns_zone *ret);
/* NULL: there is none. */
const struct powerdns_set *powerdns_find(const struct powerdns_zone *zone, struct str name, const char *type);
/* What is served of NAME and TYPE, without data when there is nothing. Values from ARENA or ZONE. */
struct rrset powerdns_served(const struct powerdns_zone *zone, struct str name, const char *type, struct arena *arena);
/* UNKNOWN, with what is to be mended, for an answer that is not the one hoped for. */
enum outcome powerdns_unclear(const struct powerdns_reply *reply, struct answer *answer);

/* ---- body.c: what is sent ---- */

enum { POWERDNS_BODY_MAX_BYTES = 1 << 20 };

/* A new zone with what CHANGES put there. */
void powerdns_zone_body(const struct powerdns *p, struct str zone, const struct zone_change *changes, size_t n,
                        struct arena *arena, struct buf *to);
/* CHANGES of a zone as it IS; those that take away come first, since they may make room. IS_HALF_MADE: it has no SOA
 * record, so SOA and NS come with it. */
void powerdns_change_body(const struct powerdns *p, struct str zone, const struct powerdns_zone *is, bool is_half_made,
                          const struct zone_change *changes, size_t n, struct arena *arena, struct buf *to);
