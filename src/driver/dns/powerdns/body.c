/* Bodies in JSON. Names get their final dot here. */
#include "driver/dns/powerdns/inside.h"

static void add_name(struct buf *to, struct str name, struct arena *arena) {
    buf_add_json(to, arena_printf(arena, "%.*s.", STR_ARG(name)));
}

static void add_record(struct buf *to, struct str content, bool is_disabled, bool is_first) {
    if (!is_first) buf_add_byte(to, ',');
    BUF_LIT(to, "{\"content\":");
    buf_add_json(to, content);
    buf_printf(to, ",\"disabled\":%s}", is_disabled ? "true" : "false");
}

static bool is_there(const struct powerdns_set *is, struct str value) {
    for (size_t i = 0; is && i < is->n_records; i++)
        if (!is->records[i].is_disabled && str_eq(is->records[i].value, value)) return true;
    return false;
}

/* What stays, in the words it stands there; then what is new. */
static size_t add_records(struct buf *to, const struct rrset *set, const struct powerdns_set *is, struct arena *arena) {
    size_t n = 0;
    for (size_t i = 0; is && i < is->n_records; i++) {
        const struct powerdns_record *record = &is->records[i];
        if (record->is_disabled || rrset_has(set, record->value))
            add_record(to, record->content, record->is_disabled, !n++);
    }
    for (size_t i = 0; i < set->n_data; i++) {
        if (is_there(is, set->data[i])) continue;
        add_record(to, powerdns_content(set->type, set->data[i], arena), false, !n++);
    }
    return n;
}

static bool has_disabled(const struct powerdns_set *is) {
    for (size_t i = 0; is && i < is->n_records; i++)
        if (is->records[i].is_disabled) return true;
    return false;
}

/* IS: what is there of it; NULL: nothing. */
static void add_set(struct buf *to, const struct rrset *set, const struct powerdns_set *is, struct arena *arena) {
    if (to->n && to->p[to->n - 1] != '[') buf_add_byte(to, ',');
    BUF_LIT(to, "{\"name\":");
    add_name(to, set->name, arena);
    buf_printf(to, ",\"type\":\"%s\"", set->type);
    if (!set->n_data && !has_disabled(is)) {
        BUF_LIT(to, ",\"changetype\":\"DELETE\",\"records\":[]}");
        return;
    }
    buf_printf(to, ",\"ttl\":%d,\"changetype\":\"REPLACE\",\"records\":[", set->n_data || !is ? set->ttl : is->ttl);
    add_records(to, set, is, arena);
    BUF_LIT(to, "]}");
}

void powerdns_zone_body(const struct powerdns *p, struct str zone, const struct zone_change *changes, size_t n,
                        struct arena *arena, struct buf *to) {
    BUF_LIT(to, "{\"name\":");
    add_name(to, zone, arena);
    /* Master: PowerDNS tells secondary servers of changes where it is set to (primary=yes), and else does not. */
    BUF_LIT(to, ",\"kind\":\"Master\",\"account\":\"" POWERDNS_ACCOUNT
                "\",\"soa_edit_api\":\"INCREASE\",\"nameservers\":[");
    for (size_t i = 0; i < p->n_nameservers; i++) {
        if (i) buf_add_byte(to, ',');
        add_name(to, p->nameservers[i], arena);
    }
    BUF_LIT(to, "],\"rrsets\":[");
    for (size_t i = 0; i < n; i++)
        if (changes[i].to.n_data) add_set(to, &changes[i].to, NULL, arena);
    BUF_LIT(to, "]}");
}

static void add_own(const struct powerdns *p, struct str zone, struct arena *arena, struct buf *to) {
    struct str soa = arena_printf(arena, "%.*s. hostmaster.%.*s. 1 10800 3600 604800 3600", STR_ARG(p->nameservers[0]),
                                  STR_ARG(zone));
    struct rrset set = {.name = zone, .type = "SOA", .ttl = 3600, .data = &soa, .n_data = 1};
    add_set(to, &set, NULL, arena);
    set = (struct rrset){.name = zone, .type = "NS", .ttl = 3600, .n_data = p->n_nameservers};
    set.data = ARENA_ARRAY(arena, p->n_nameservers, struct str);
    for (size_t i = 0; i < p->n_nameservers; i++)
        set.data[i] = arena_printf(arena, "%.*s.", STR_ARG(p->nameservers[i]));
    add_set(to, &set, NULL, arena);
}

void powerdns_change_body(const struct powerdns *p, struct str zone, const struct powerdns_zone *is, bool is_half_made,
                          const struct zone_change *changes, size_t n, struct arena *arena, struct buf *to) {
    BUF_LIT(to, "{\"rrsets\":[");
    if (is_half_made) add_own(p, zone, arena, to);
    for (int puts = 0; puts < 2; puts++)
        for (size_t i = 0; i < n; i++) {
            const struct rrset *set = &changes[i].to;
            if ((set->n_data > 0) == puts) add_set(to, set, powerdns_find(is, set->name, set->type), arena);
        }
    BUF_LIT(to, "]}");
}
