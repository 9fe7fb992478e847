#include "driver/dns/wire.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_TEXT_MAX = 1100, STRING_MAX = 255, TEXT_MAX = 60000, FIELDS_MAX = 4, FIELD_TEXT_MAX = 1100 };

static const struct {
    const char *name;
    ldns_rr_type type;
} types[] = {
    {"A", LDNS_RR_TYPE_A},         {"AAAA", LDNS_RR_TYPE_AAAA}, {"MX", LDNS_RR_TYPE_MX}, {"TXT", LDNS_RR_TYPE_TXT},
    {"CNAME", LDNS_RR_TYPE_CNAME}, {"SRV", LDNS_RR_TYPE_SRV},   {"NS", LDNS_RR_TYPE_NS},
};

ldns_rr_type wire_type(const char *type) {
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (!strcmp(type, types[i].name)) return types[i].type;
    return 0;
}

/* ---- names ---- */

ldns_rdf *wire_name(struct str name) {
    char text[NAME_TEXT_MAX + 1];
    if (!name.n || name.n > NAME_TEXT_MAX) return NULL;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] > '~') return NULL; /* those are written \DDD */
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    ldns_rdf *rdf = ldns_dname_new_frm_str(text);
    if (rdf) ldns_dname2canonical(rdf);
    return rdf;
}

struct str wire_name_text(const ldns_rdf *name, bool final_dot, struct arena *arena) {
    const uint8_t *bytes = ldns_rdf_data(name);
    size_t size = ldns_rdf_size(name), n = 0;
    char *text = arena_alloc(arena, 4 * size + 2);
    for (size_t at = 0; at < size && bytes[at];) {
        size_t label = bytes[at++];
        for (size_t end = at + label; at < end && at < size; at++) {
            unsigned char c = (unsigned char)tolower(bytes[at]);
            if (isalnum(c) || (c && strchr("-_*/", c)))
                text[n++] = (char)c;
            else
                n += (size_t)sprintf(text + n, "\\%03u", c);
        }
        text[n++] = '.';
    }
    if (!n)
        text[n++] = '.';
    else if (!final_dot)
        n--;
    return (struct str){text, n};
}

/* ---- TXT ---- */

static struct str read_strings(const ldns_rr *rr, struct arena *arena) {
    size_t room = 1, n = 0;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) room += ldns_rdf_size(ldns_rr_rdf(rr, i));
    char *text = arena_alloc(arena, room);
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
        size_t size = ldns_rdf_size(rdf) - 1; /* its first byte is its length */
        memcpy(text + n, ldns_rdf_data(rdf) + 1, size);
        n += size;
    }
    return (struct str){text, n};
}

/* A text as strings of at most 255 bytes, and at least one (RFC 1035 section 3.3.14). */
static bool push_strings(ldns_rr *rr, struct str text) {
    if (text.n > TEXT_MAX) return false;
    do {
        uint8_t bytes[STRING_MAX + 1];
        size_t n = text.n < STRING_MAX ? text.n : STRING_MAX;
        bytes[0] = (uint8_t)n;
        if (n) memcpy(bytes + 1, text.p, n);
        ldns_rdf *rdf = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, n + 1, bytes);
        if (!rdf || !ldns_rr_push_rdf(rr, rdf)) {
            ldns_rdf_deep_free(rdf);
            return false;
        }
        text = (struct str){text.p + n, text.n - n};
    } while (text.n);
    return true;
}

/* ---- the others: fields with a space between them ---- */

static bool read_field(const ldns_rdf *rdf, struct arena *arena, struct str *ret) {
    if (ldns_rdf_get_type(rdf) == LDNS_RDF_TYPE_DNAME) {
        *ret = wire_name_text(rdf, true, arena);
        return true;
    }
    char *text = ldns_rdf2str(rdf);
    if (!text) return false;
    *ret = arena_str(arena, str_of(text));
    free(text);
    return true;
}

bool wire_value(const ldns_rr *rr, struct arena *arena, struct str *ret) {
    size_t n = ldns_rr_rd_count(rr);
    if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_TXT) {
        *ret = read_strings(rr, arena);
        return n > 0;
    }
    if (n != ldns_rr_descriptor_minimum(ldns_rr_descript((uint16_t)ldns_rr_get_type(rr))) || n > FIELDS_MAX)
        return false;
    struct str value = STR("");
    for (size_t i = 0; i < n; i++) {
        struct str field;
        if (!read_field(ldns_rr_rdf(rr, i), arena, &field)) return false;
        value = i ? arena_printf(arena, "%.*s %.*s", STR_ARG(value), STR_ARG(field)) : field;
    }
    *ret = value;
    return n > 0;
}

static ldns_rdf *field_of(ldns_rdf_type type, struct str text) {
    if (type == LDNS_RDF_TYPE_DNAME) return wire_name(text);
    char field[FIELD_TEXT_MAX + 1];
    int64_t number;
    if (type == LDNS_RDF_TYPE_INT16 && !str_to_int(text, 0, UINT16_MAX, &number)) return NULL;
    if (!text.n || text.n > FIELD_TEXT_MAX || memchr(text.p, '\0', text.n)) return NULL;
    memcpy(field, text.p, text.n);
    field[text.n] = '\0';
    return ldns_rdf_new_frm_str(type, field);
}

static bool push_fields(ldns_rr *rr, struct str value) {
    const ldns_rr_descriptor *descriptor = ldns_rr_descript((uint16_t)ldns_rr_get_type(rr));
    size_t n = ldns_rr_descriptor_minimum(descriptor);
    for (size_t i = 0; i < n; i++) {
        struct str rest = STR(""), field = i + 1 < n ? str_cut(value, ' ', &rest) : value;
        ldns_rdf *rdf = field_of(ldns_rr_descriptor_field_type(descriptor, i), field);
        if (!rdf || !ldns_rr_push_rdf(rr, rdf)) {
            ldns_rdf_deep_free(rdf);
            return false;
        }
        value = rest;
    }
    return true;
}

ldns_rr *wire_record(const ldns_rdf *owner, ldns_rr_type type, int ttl, struct str value) {
    ldns_rr *rr = ldns_rr_new();
    if (!rr) return NULL;
    ldns_rr_set_owner(rr, ldns_rdf_clone(owner));
    ldns_rr_set_type(rr, type);
    ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
    ldns_rr_set_ttl(rr, (uint32_t)ttl);
    if (ldns_rr_owner(rr) && (type == LDNS_RR_TYPE_TXT ? push_strings(rr, value) : push_fields(rr, value))) return rr;
    ldns_rr_free(rr);
    return NULL;
}

/* ---- RRsets ---- */

/* RFC 2181 section 8: 31 bits, and what has the highest bit set counts as 0. */
static int ttl_of(const ldns_rr *rr) {
    uint32_t ttl = ldns_rr_ttl(rr);
    return ttl > INT32_MAX ? 0 : (int)ttl;
}

bool wire_rrset(const ldns_rr_list *list, const ldns_rdf *owner, struct str name, const char *type, struct arena *arena,
                struct rrset *ret) {
    size_t n = list ? ldns_rr_list_rr_count(list) : 0;
    ldns_rr_type wanted = wire_type(type);
    struct rrset set = {.name = arena_str(arena, name), .type = type, .data = ARENA_ARRAY(arena, n + 1, struct str)};
    for (size_t i = 0; i < n; i++) {
        const ldns_rr *rr = ldns_rr_list_rr(list, i);
        if (ldns_rr_get_type(rr) != wanted || ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN) continue;
        if (ldns_dname_compare(ldns_rr_owner(rr), owner) != 0) continue;
        if (!wire_value(rr, arena, &set.data[set.n_data])) return false;
        if (!set.n_data || ttl_of(rr) < set.ttl) set.ttl = ttl_of(rr);
        set.n_data++;
    }
    *ret = set;
    return true;
}
