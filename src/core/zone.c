#include "core/zone.h"

#include "base/buf.h"

/* Of a sentence about what was changed by hand: bytes of one value, and bytes in all. */
enum { QUOTED_MAX = 48, SENTENCE_MAX = 1024 };

static bool is_type(const struct rrset *set, const char *type) {
    return str_is(str_of(set->type), type);
}

static bool is_about(const struct rrset *set, struct str name, const char *type) {
    return str_eq(set->name, name) && is_type(set, type);
}

static const struct rrset *find(struct rrsets in, struct str name, const char *type) {
    for (size_t i = 0; i < in.n; i++)
        if (is_about(in.sets + i, name, type)) return in.sets + i;
    return NULL;
}

/* The RRset of that name and type; one without data when there is none. */
static struct rrset get(struct rrsets in, struct str name, const char *type) {
    const struct rrset *set = find(in, name, type);
    return set ? *set : (struct rrset){.name = name, .type = type};
}

bool zone_has_name(struct str zone, struct str name) {
    if (name.n <= zone.n) return str_eq(name, zone);
    struct str tail = {name.p + name.n - zone.n, zone.n};
    return str_eq(tail, zone) && name.p[name.n - zone.n - 1] == '.';
}

bool rrset_has(const struct rrset *set, struct str value) {
    for (size_t i = 0; i < set->n_data; i++)
        if (str_eq(set->data[i], value)) return true;
    return false;
}

static bool has_all(const struct rrset *set, const struct rrset *values) {
    for (size_t i = 0; i < values->n_data; i++)
        if (!rrset_has(set, values->data[i])) return false;
    return true;
}

bool rrset_same_data(const struct rrset *a, const struct rrset *b) {
    return has_all(a, b) && has_all(b, a);
}

bool rrset_same(const struct rrset *a, const struct rrset *b) {
    return rrset_same_data(a, b) && (!a->n_data || a->ttl == b->ttl);
}

/* ---- what is looked at ---- */

static void add_name(struct rrsets *to, struct str name, const char *type) {
    if (!find(*to, name, type)) to->sets[to->n++] = (struct rrset){.name = name, .type = type};
}

static bool is_address(const struct rrset *set) {
    return is_type(set, "A") || is_type(set, "AAAA");
}

struct rrsets zone_names(struct rrsets wanted, const struct rrsets *before, size_t n_before, struct arena *arena) {
    size_t most = 2 * wanted.n;
    for (size_t i = 0; i < n_before; i++) most += before[i].n;
    struct rrsets names = {ARENA_ARRAY(arena, most, struct rrset), 0};
    for (size_t i = 0; i < wanted.n; i++) {
        add_name(&names, wanted.sets[i].name, wanted.sets[i].type);
        if (wanted.sets[i].n_data && is_address(&wanted.sets[i])) add_name(&names, wanted.sets[i].name, "CNAME");
    }
    for (size_t i = 0; i < n_before; i++)
        for (size_t k = 0; k < before[i].n; k++) add_name(&names, before[i].sets[k].name, before[i].sets[k].type);
    return names;
}

/* ---- one name and type ---- */

struct about {
    struct rrset wanted, served;
    const struct rrset *before; /* N_BEFORE states, at least one */
    size_t n_before;
    bool was_published; /* there is data in one of them */
    bool is_in_the_way; /* nothing is wanted here, but what is served keeps what is wanted from working */
    struct str second;  /* TXT: a value that must not stand beside what is wanted */
    enum zone_line_state state;
    struct rrset to; /* as wanted, with what is left alone */
};

/* An RRset that dfyd has for itself. */
static void judge_own(struct about *about) {
    const struct rrset *wanted = &about->wanted, *served = &about->served;
    about->to = *wanted;
    about->state = ZONE_BY_HAND;
    if (rrset_same(wanted, served)) about->state = ZONE_SAME;
    if (!wanted->n_data && !about->was_published && !about->is_in_the_way) {
        about->to = *served;
        about->state = ZONE_SAME;
    }
    for (size_t i = 0; i < about->n_before && about->state == ZONE_BY_HAND; i++)
        if (rrset_same(&about->before[i], served)) about->state = ZONE_CHANGES;
}

static int lower(char c) {
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* The version tag that a TXT record with a purpose begins with, such as "v=spf1"; empty when there is none. */
static struct str tag_of(struct str value) {
    if (value.n < 2 || lower(value.p[0]) != 'v' || value.p[1] != '=') return STR("");
    size_t n = 2;
    while (n < value.n && value.p[n] != ' ' && value.p[n] != ';') n++;
    return (struct str){value.p, n};
}

/* Whether two values at NAME are records for the same purpose, of which there may be one (RFC 7208 section 3.2,
 * RFC 7489 section 6.6.3, RFC 8460 section 3, RFC 8461 section 3.1; of DKIM any record, RFC 6376 section 3.6.2.2). */
static bool same_purpose(struct str name, struct str a, struct str b) {
    if (str_contains(name, "._domainkey.")) return true;
    struct str tag = tag_of(a), other = tag_of(b);
    bool same = tag.n && tag.n == other.n;
    for (size_t i = 0; i < tag.n && same; i++) same = lower(tag.p[i]) == lower(other.p[i]);
    return same;
}

static bool rivals(const struct rrset *wanted, struct str value) {
    for (size_t i = 0; i < wanted->n_data; i++)
        if (same_purpose(wanted->name, wanted->data[i], value)) return true;
    return false;
}

static bool is_dfyds(const struct about *about, struct str value) {
    bool found = rrset_has(&about->wanted, value);
    for (size_t i = 0; i < about->n_before && !found; i++) found = rrset_has(&about->before[i], value);
    return found;
}

/* What is served is a state that dfyd left: all values of BEFORE, and no others but those that are wanted. */
static bool left_as(const struct about *about, const struct rrset *before, const struct rrset *own, bool is_shared) {
    if (!has_all(own, before)) return false;
    for (size_t i = 0; i < own->n_data; i++)
        if (!rrset_has(before, own->data[i]) && !rrset_has(&about->wanted, own->data[i])) return false;
    /* The TTL is everybody's where there are values of others. */
    return is_shared || !own->n_data || own->ttl == before->ttl || own->ttl == about->wanted.ttl;
}

/* A TXT RRset is shared: what others put there stays. */
static void judge_shared(struct about *about, bool overwrite, struct arena *arena) {
    const struct rrset *wanted = &about->wanted, *served = &about->served;
    struct rrset own = *served, others = *served, to = *served;
    own.data = ARENA_ARRAY(arena, served->n_data, struct str);
    others.data = ARENA_ARRAY(arena, served->n_data, struct str);
    to.data = ARENA_ARRAY(arena, served->n_data + wanted->n_data, struct str);
    own.n_data = others.n_data = to.n_data = 0;
    for (size_t i = 0; i < served->n_data; i++) {
        struct str value = served->data[i];
        bool is_own = is_dfyds(about, value), is_rival = !is_own && rivals(wanted, value);
        if (is_rival && !about->second.n) about->second = value;
        if (is_own)
            own.data[own.n_data++] = value;
        else
            others.data[others.n_data++] = value;
        if (!is_own && !(is_rival && overwrite)) to.data[to.n_data++] = value;
    }
    if (!to.n_data) to.ttl = wanted->ttl;
    for (size_t i = 0; i < wanted->n_data; i++)
        if (!rrset_has(&to, wanted->data[i])) to.data[to.n_data++] = wanted->data[i];
    about->to = to;
    about->state = ZONE_BY_HAND;
    bool is_shared = others.n_data > 0;
    if (about->second.n) return;
    if (rrset_same_data(&own, wanted) && (is_shared || !own.n_data || own.ttl == wanted->ttl)) about->state = ZONE_SAME;
    for (size_t i = 0; i < about->n_before && about->state == ZONE_BY_HAND; i++)
        if (left_as(about, &about->before[i], &own, is_shared)) about->state = ZONE_CHANGES;
}

/* ---- for people ---- */

/* VALUE as presentation text that is ASCII and short enough to be read. */
static void add_quoted(struct buf *out, struct str value) {
    BUF_LIT(out, "\"");
    for (size_t i = 0; i < value.n && i < QUOTED_MAX; i++)
        buf_add(out, value.p[i] >= ' ' && value.p[i] <= '~' ? (struct str){value.p + i, 1} : STR("?"));
    if (value.n > QUOTED_MAX) BUF_LIT(out, "...");
    BUF_LIT(out, "\"");
}

static void add_values(struct buf *out, const struct rrset *set) {
    for (size_t i = 0; i < set->n_data && i < 2; i++) {
        if (i) BUF_LIT(out, ", ");
        add_quoted(out, set->data[i]);
    }
    if (set->n_data > 2) buf_printf(out, " and %zu more", set->n_data - 2);
    if (!set->n_data) BUF_LIT(out, "none");
}

static void add_by_hand(struct buf *out, const struct about *about) {
    const struct rrset *wanted = &about->wanted, *served = &about->served;
    buf_printf(out, "%.*s %s ", STR_ARG(wanted->name), wanted->type);
    if (about->second.n) {
        BUF_LIT(out, "has ");
        add_quoted(out, about->second);
        BUF_LIT(out, " put there by hand, where only one such record may be; wanted is ");
        add_quoted(out, wanted->data[0]);
    } else if (!about->was_published) {
        BUF_LIT(out, "was put there by hand: it is ");
        add_values(out, served);
        BUF_LIT(out, ", wanted is ");
        add_values(out, wanted);
    } else if (!served->n_data) {
        BUF_LIT(out, "was taken away by hand; wanted is ");
        add_values(out, wanted);
    } else {
        BUF_LIT(out, "was changed by hand: it is ");
        add_values(out, served);
        BUF_LIT(out, ", wanted is ");
        add_values(out, wanted);
        if (rrset_same_data(served, wanted)) buf_printf(out, "; its TTL is %d, not %d", served->ttl, wanted->ttl);
    }
}

/* ---- the plan ---- */

/* Something else is wanted at this name, and what is served here would be taken for it: the addresses of a name go
 * together, and beside an alias there is nothing (RFC 1034 section 3.6.2). */
static bool stands_in_the_way(struct rrsets wanted, const struct rrset *set) {
    if (!is_address(set) && !is_type(set, "CNAME")) return false;
    struct rrset a = get(wanted, set->name, "A"), aaaa = get(wanted, set->name, "AAAA");
    return a.n_data || aaaa.n_data;
}

static bool any_data(const struct rrsets *states, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < states[i].n; k++)
            if (states[i].sets[k].n_data) return true;
    return false;
}

/* Those that take away come first: where they make room for others, that is the order to do it in. */
static void removals_first(struct zone_change *changes, size_t n, struct arena *arena) {
    struct zone_change *sorted = ARENA_ARRAY(arena, n, struct zone_change);
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        if (!changes[i].to.n_data) sorted[at++] = changes[i];
    for (size_t i = 0; i < n; i++)
        if (changes[i].to.n_data) sorted[at++] = changes[i];
    for (size_t i = 0; i < n; i++) changes[i] = sorted[i];
}

static void add_to_plan(struct zone_plan *plan, const struct about *about, struct buf *sentence) {
    bool is_ours = about->wanted.n_data || about->was_published || about->state != ZONE_SAME;
    if (!is_ours) return;
    plan->lines[plan->n_lines++] =
        (struct zone_line){.wanted = about->wanted, .served = about->served, .state = about->state};
    if (about->state == ZONE_CHANGES)
        plan->changes[plan->n_changes++] = (struct zone_change){.was = about->served, .to = about->to};
    if (about->state == ZONE_BY_HAND && !plan->n_by_hand++) add_by_hand(sentence, about);
}

bool zone_plan(struct rrsets wanted, const struct rrsets *before, size_t n_before, struct rrsets served, bool overwrite,
               struct arena *arena, struct zone_plan *ret, struct error *reterr) {
    static const struct rrsets nothing = {0};
    if (!wanted.n && any_data(before, n_before))
        return error_set(reterr, ERR_CONFLICT,
                         "no records are wanted, though some are published: that would empty the"
                         " zone, which is never done");
    if (!n_before) before = &nothing, n_before = 1;
    struct rrsets names = zone_names(wanted, before, n_before, arena);
    struct zone_plan plan = {
        .lines = ARENA_ARRAY(arena, names.n, struct zone_line),
        .changes = ARENA_ARRAY(arena, names.n, struct zone_change),
    };
    struct buf sentence;
    buf_init(&sentence, SENTENCE_MAX);
    for (size_t i = 0; i < names.n; i++) {
        struct str name = names.sets[i].name;
        const char *type = names.sets[i].type;
        const struct rrset *found = find(served, name, type);
        if (!found) {
            buf_finish(&sentence);
            return error_set(reterr, ERR_INTERNAL, "%.*s %s was not looked at", STR_ARG(name), type);
        }
        struct rrset *states = ARENA_ARRAY(arena, n_before, struct rrset);
        struct about about = {
            .wanted = get(wanted, name, type), .served = *found, .before = states, .n_before = n_before};
        for (size_t k = 0; k < n_before; k++) {
            states[k] = get(before[k], name, type);
            about.was_published |= states[k].n_data > 0;
        }
        about.is_in_the_way = !about.wanted.n_data && stands_in_the_way(wanted, &about.wanted);
        if (is_type(&about.wanted, "TXT"))
            judge_shared(&about, overwrite, arena);
        else
            judge_own(&about);
        if (about.state == ZONE_BY_HAND && overwrite) about.state = ZONE_CHANGES;
        add_to_plan(&plan, &about, &sentence);
    }
    removals_first(plan.changes, plan.n_changes, arena);
    if (plan.n_by_hand > 1) buf_printf(&sentence, " (and %zu more)", plan.n_by_hand - 1);
    plan.by_hand = arena_str(arena, buf_str(&sentence));
    buf_finish(&sentence);
    *ret = plan;
    return true;
}

/* ---- what a resolver sees ---- */

bool rrset_is_seen(const struct rrset *wanted, const struct rrset *seen) {
    if (!is_type(wanted, "TXT")) return rrset_same_data(wanted, seen);
    for (size_t i = 0; i < seen->n_data; i++)
        if (!rrset_has(wanted, seen->data[i]) && rivals(wanted, seen->data[i])) return false;
    return has_all(seen, wanted);
}

struct str zone_not_seen(struct rrsets wanted, struct rrsets seen, struct arena *arena) {
    struct str text = STR("");
    struct buf out;
    buf_init(&out, SENTENCE_MAX);
    for (size_t i = 0; i < wanted.n && !out.n; i++) {
        const struct rrset *want = &wanted.sets[i];
        struct rrset sees = get(seen, want->name, want->type);
        if (!want->n_data || rrset_is_seen(want, &sees)) continue;
        buf_printf(&out, "%.*s %s is not seen yet: a resolver has ", STR_ARG(want->name), want->type);
        add_values(&out, &sees);
        BUF_LIT(&out, ", wanted is ");
        add_values(&out, want);
    }
    if (out.n) text = arena_str(arena, buf_str(&out));
    buf_finish(&out);
    return text;
}
