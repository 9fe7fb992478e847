/* zone: what has to change in a zone (cases/zone.txt), and what must hold for all plans. */
#include "core/zone.h"

#include "base/buf.h"
#include "base/ids.h"
#include "cases.h"

enum { TEXT_MAX = 4096, SETS_MAX = 32 };

/* ---- the table ---- */

struct zone_case {
    struct rrsets wanted, served, before[2];
    size_t n_before;
    bool overwrite;
};

static struct rrset *set_of(struct rrsets *in, struct str name, const char *type) {
    for (size_t i = 0; i < in->n; i++)
        if (str_eq(in->sets[i].name, name) && str_is(str_of(in->sets[i].type), type)) return &in->sets[i];
    in->sets[in->n] = (struct rrset){.name = name, .type = type};
    return &in->sets[in->n++];
}

/* "NAME TYPE TTL VALUE" or "NAME TYPE none". */
static void add_record(const struct case_line *line, struct rrsets *to, struct arena *arena) {
    struct str rest, name = str_cut(line->value, ' ', &rest);
    const char *type = arena_cstr(arena, str_cut(rest, ' ', &rest));
    if (!to->sets) to->sets = ARENA_ARRAY(arena, SETS_MAX, struct rrset);
    struct rrset *set = set_of(to, name, type);
    if (str_is(rest, "none")) return;
    int64_t ttl;
    if (!str_to_int(str_cut(rest, ' ', &rest), 0, 1000000, &ttl)) CASE_FAIL(line, "no TTL");
    if (!set->data) set->data = ARENA_ARRAY(arena, SETS_MAX, struct str);
    set->ttl = (int)ttl;
    set->data[set->n_data++] = cases_text(rest, arena);
}

static bool reads(struct zone_case *c, const struct case_line *line, struct arena *arena) {
    if (str_is(line->key, "wanted")) {
        add_record(line, &c->wanted, arena);
    } else if (str_is(line->key, "served")) {
        add_record(line, &c->served, arena);
    } else if (str_is(line->key, "before")) {
        add_record(line, &c->before[0], arena);
        if (!c->n_before) c->n_before = 1;
    } else if (str_is(line->key, "begun")) {
        add_record(line, &c->before[1], arena);
        c->n_before = 2;
    } else if (str_is(line->key, "overwrite")) {
        c->overwrite = str_is(line->value, "yes");
    } else {
        return str_is(line->key, "case");
    }
    return true;
}

/* What is served, with an entry for everything that is looked at. */
static struct rrsets looked_at(const struct zone_case *c, struct arena *arena) {
    struct rrsets names = zone_names(c->wanted, c->before, c->n_before, arena);
    struct rrsets served = {ARENA_ARRAY(arena, names.n, struct rrset), names.n};
    struct rrsets all = c->served;
    struct rrset *copy = ARENA_ARRAY(arena, all.n + names.n, struct rrset);
    for (size_t i = 0; i < all.n; i++) copy[i] = all.sets[i];
    all.sets = copy;
    for (size_t i = 0; i < names.n; i++) served.sets[i] = *set_of(&all, names.sets[i].name, names.sets[i].type);
    return served;
}

static void says_names(const struct zone_plan *plan, enum zone_line_state state, struct buf *out) {
    for (size_t i = 0; i < plan->n_lines; i++) {
        if (plan->lines[i].state != state) continue;
        const struct rrset *set = &plan->lines[i].wanted;
        buf_printf(out, "%s%.*s %s", out->n ? ", " : "", STR_ARG(set->name), set->type);
    }
}

static void says_changes(const struct zone_plan *plan, struct buf *out) {
    for (size_t i = 0; i < plan->n_changes; i++) {
        const struct rrset *to = &plan->changes[i].to;
        buf_printf(out, "%s%.*s %s ", i ? ", " : "", STR_ARG(to->name), to->type);
        if (to->n_data) buf_printf(out, "%d ", to->ttl);
        for (size_t k = 0; k < to->n_data; k++) buf_printf(out, "%s%.*s", k ? " | " : "", STR_ARG(to->data[k]));
        if (!to->n_data) BUF_LIT(out, "none");
    }
}

static bool says(const struct zone_plan *plan, struct str key, struct buf *out) {
    if (str_is(key, "same"))
        says_names(plan, ZONE_SAME, out);
    else if (str_is(key, "changes"))
        says_names(plan, ZONE_CHANGES, out);
    else if (str_is(key, "by hand"))
        says_names(plan, ZONE_BY_HAND, out);
    else if (str_is(key, "to"))
        says_changes(plan, out);
    else if (str_is(key, "says"))
        buf_add(out, plan->by_hand);
    else
        return false;
    if (!out->n) BUF_LIT(out, "none");
    return true;
}

static void compare(const struct case_line *lines, size_t n, const struct zone_case *c, struct arena *arena) {
    struct zone_plan plan;
    struct error error = {0};
    bool ok = zone_plan(c->wanted, c->before, c->n_before, looked_at(c, arena), c->overwrite, arena, &plan, &error);
    size_t compared = 0;
    struct zone_case ignored = {0};
    for (size_t i = 0; i < n; i++) {
        struct buf out;
        buf_init(&out, TEXT_MAX);
        if (str_is(lines[i].key, "error"))
            BUF_LIT(&out, "conflict");
        else if (!ok)
            CASE_FAIL(&lines[i], "%s", error.message);
        else if (!says(&plan, lines[i].key, &out)) {
            if (!reads(&ignored, &lines[i], arena)) CASE_FAIL(&lines[i], "no such key");
            continue;
        }
        if (str_is(lines[i].key, "error") && (ok || error.code != ERR_CONFLICT)) CASE_FAIL(&lines[i], "no conflict");
        if (!str_eq(buf_str(&out), lines[i].value)) CASE_FAIL(&lines[i], "got %.*s", STR_ARG(buf_str(&out)));
        compared++;
        buf_finish(&out);
        if (!ok) break;
    }
    if (!compared) CASE_FAIL(&lines[0], "nothing is compared");
}

static void plans_are_as_listed(void **state) {
    (void)state;
    struct arena *arena = arena_create(1 << 16);
    size_t n;
    struct case_line *lines = cases_rows("zone.txt", arena, &n);
    for (size_t first = 0; first < n;) {
        size_t end = first;
        struct zone_case c = {0};
        size_t n_out = 0;
        for (bool more = true; more; end++) {
            bool is_input = reads(&c, &lines[end], arena);
            if (!is_input) n_out++;
            more = !lines[end].ends_block;
        }
        assert_true(n_out > 0);
        /* The error ends a block; what comes before it is input. */
        compare(&lines[end - n_out], n_out, &c, arena);
        first = end;
    }
    arena_destroy(arena);
}

/* ---- what always holds ---- */

static const char *const types[] = {"A", "AAAA", "CNAME", "MX", "TXT"};
static const char *const names[] = {"a.com", "www.a.com", "k._domainkey.a.com"};
static const char *const values[] = {"1", "2", "v=spf1 1", "v=spf1 2", "\t\n\\\xff"};

static struct rrset random_set(struct rng *rng, struct arena *arena) {
    struct rrset set = {
        .name = str_of(names[rng_below(rng, ARRAY_LEN(names))]),
        .type = types[rng_below(rng, ARRAY_LEN(types))],
        .ttl = rng_below(rng, 4) ? 300 : 60,
        .data = ARENA_ARRAY(arena, ARRAY_LEN(values), struct str),
    };
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (!rng_below(rng, 3)) set.data[set.n_data++] = str_of(values[i]);
    return set;
}

static struct rrsets random_sets(struct rng *rng, size_t most, struct arena *arena) {
    struct rrsets sets = {ARENA_ARRAY(arena, most + 1, struct rrset), 0};
    for (size_t n = rng_below(rng, (uint32_t)most + 1); n > 0; n--) {
        struct rrset set = random_set(rng, arena);
        *set_of(&sets, set.name, set.type) = set;
    }
    return sets;
}

/* Mostly like OF, so that plans have something to compare. */
static struct rrsets nearly(struct rng *rng, struct rrsets of, struct arena *arena) {
    struct rrsets sets = random_sets(rng, 2, arena), all = {ARENA_ARRAY(arena, of.n + sets.n, struct rrset), 0};
    for (size_t i = 0; i < of.n; i++)
        if (rng_below(rng, 8)) all.sets[all.n++] = of.sets[i];
    if (!rng_below(rng, 3))
        for (size_t i = 0; i < sets.n; i++) *set_of(&all, sets.sets[i].name, sets.sets[i].type) = sets.sets[i];
    return all;
}

static struct zone_case random_case(struct rng *rng, struct arena *arena) {
    struct zone_case c = {.overwrite = rng_below(rng, 2), .n_before = rng_below(rng, 3)};
    c.wanted = random_sets(rng, 6, arena);
    c.before[0] = nearly(rng, c.wanted, arena);
    c.before[1] = nearly(rng, c.wanted, arena);
    const struct rrsets like[] = {c.wanted, c.before[0], c.before[1], {0}};
    c.served = nearly(rng, like[rng_below(rng, ARRAY_LEN(like))], arena);
    return c;
}

static struct rrset served_of(struct rrsets served, struct str name, const char *type) {
    for (size_t i = 0; i < served.n; i++)
        if (str_eq(served.sets[i].name, name) && str_is(str_of(served.sets[i].type), type)) return served.sets[i];
    return (struct rrset){.name = name, .type = type};
}

static bool holds(const struct rrset *set, struct str value) {
    for (size_t i = 0; i < set->n_data; i++)
        if (str_eq(set->data[i], value)) return true;
    return false;
}

static bool ever_dfyds(const struct zone_case *c, const struct rrset *of, struct str value) {
    struct rrset set = served_of(c->wanted, of->name, of->type);
    if (holds(&set, value)) return true;
    for (size_t i = 0; i < c->n_before; i++) {
        set = served_of(c->before[i], of->name, of->type);
        if (holds(&set, value)) return true;
    }
    return false;
}

/* A change replaces what dfyd left there, unless it was told to overwrite; values of others in TXT stay. */
static void change_is_allowed(const struct zone_case *c, struct rrsets served, const struct zone_change *change) {
    struct rrset was = served_of(served, change->was.name, change->was.type);
    assert_true(rrset_same(&was, &change->was));
    assert_false(rrset_same(&change->was, &change->to));
    struct rrset wanted = served_of(c->wanted, change->to.name, change->to.type);
    bool is_txt = str_is(str_of(change->to.type), "TXT");
    for (size_t i = 0; i < wanted.n_data; i++) assert_true(holds(&change->to, wanted.data[i]));
    if (!is_txt) assert_true(rrset_same(&change->to, &wanted));
    if (c->overwrite) return;
    for (size_t i = 0; i < was.n_data; i++) {
        bool is_own = ever_dfyds(c, &was, was.data[i]);
        assert_true(is_own || (is_txt && holds(&change->to, was.data[i])));
    }
}

static struct rrsets after(struct rrsets served, const struct zone_plan *plan, struct arena *arena) {
    struct rrsets all = {ARENA_ARRAY(arena, served.n + plan->n_changes, struct rrset), served.n};
    for (size_t i = 0; i < served.n; i++) all.sets[i] = served.sets[i];
    for (size_t i = 0; i < plan->n_changes; i++)
        *set_of(&all, plan->changes[i].to.name, plan->changes[i].to.type) = plan->changes[i].to;
    return all;
}

static void every_wanted_is_seen(const struct zone_case *c, struct rrsets served, struct arena *arena) {
    assert_int_equal(zone_not_seen(c->wanted, served, arena).n, 0);
}

static void a_plan_is_done_once_and_touches_nothing_of_others(void **state) {
    (void)state;
    struct arena *arena = arena_create(1 << 16);
    struct rng rng = rng_seeded(7);
    int changed = 0, by_hand = 0, refused = 0;
    for (int round = 0; round < 30000; round++) {
        arena_reset(arena);
        struct zone_case c = random_case(&rng, arena);
        struct rrsets served = looked_at(&c, arena);
        struct zone_plan plan, again;
        struct error error;
        if (!zone_plan(c.wanted, c.before, c.n_before, served, c.overwrite, arena, &plan, &error)) {
            assert_int_equal(error.code, ERR_CONFLICT);
            assert_int_equal(c.wanted.n, 0);
            refused++;
            continue;
        }
        for (size_t i = 0; i < plan.n_changes; i++) change_is_allowed(&c, served, &plan.changes[i]);
        assert_true(!c.overwrite || !plan.n_by_hand);
        assert_int_equal(plan.by_hand.n > 0, plan.n_by_hand > 0);
        changed += plan.n_changes > 0;
        by_hand += plan.n_by_hand > 0;
        if (plan.n_by_hand) continue;

        /* Once done, it is done: whether that is known or was only begun. */
        c.served = after(served, &plan, arena);
        if (!c.n_before) c.before[0] = (struct rrsets){0};
        c.before[1] = c.wanted;
        c.n_before = 2;
        served = looked_at(&c, arena);
        assert_true(zone_plan(c.wanted, c.before, c.n_before, served, false, arena, &again, &error));
        assert_int_equal(again.n_changes + again.n_by_hand, 0);
        assert_true(zone_plan(c.wanted, &c.before[1], 1, looked_at(&c, arena), false, arena, &again, &error));
        assert_int_equal(again.n_changes + again.n_by_hand, 0);
        every_wanted_is_seen(&c, served, arena);
    }
    assert_true(changed > 1000 && by_hand > 1000 && refused > 100);
    arena_destroy(arena);
}

static void what_was_not_looked_at_is_not_guessed(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct rrsets wanted = {&(struct rrset){STR("a.com"), "MX", 60, &STR("1 mx."), 1}, 1}, nothing = {0};
    struct zone_plan plan;
    struct error error = {0};
    assert_false(zone_plan(wanted, NULL, 0, nothing, true, arena, &plan, &error));
    assert_int_equal(error.code, ERR_INTERNAL);
    arena_destroy(arena);
}

static void texts_come_back_as_they_were(void **state) {
    (void)state;
    struct arena *arena = arena_create(1 << 16);
    struct rng rng = rng_seeded(3);
    for (int round = 0; round < 5000; round++) {
        arena_reset(arena);
        struct rrsets sets = random_sets(&rng, 6, arena), back;
        struct str text = zone_write(sets, arena);
        struct error error;
        assert_true(zone_read(text, arena, &back, &error));
        for (size_t i = 0; i < sets.n; i++) {
            struct rrset got = served_of(back, sets.sets[i].name, sets.sets[i].type);
            assert_true(rrset_same(&got, &sets.sets[i]));
        }
        for (size_t i = 0; i < back.n; i++) assert_true(back.sets[i].n_data > 0);
        assert_true(str_eq(zone_write(back, arena), text));
    }
    arena_destroy(arena);
}

static void damaged_texts_are_refused(void **state) {
    (void)state;
    static const char *const damaged[] = {
        "a.com\tMX\t60\t1 mx.", /* cut off */
        "a.com\tMX\t-1\t1 mx.\n",
        "a.com\tMX\t60s\t1 mx.\n",
        "a.com MX 60 1 mx.\n",
        "\tMX\t60\t1 mx.\n",
        "a.com\t\t60\t1 mx.\n",
        "a.com\tTXT\t60\t\\25\n",
        "a.com\tTXT\t60\t\\256\n",
        "a.com\tTXT\t60\ta\na.com\tTXT\t61\tb\n", /* one RRset, two TTLs */
        "\n",
    };
    struct arena *arena = arena_create(4096);
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        struct rrsets sets;
        struct error error = {0};
        if (zone_read(str_of(damaged[i]), arena, &sets, &error)) fail_msg("read: %s", damaged[i]);
        assert_int_equal(error.code, ERR_INTERNAL);
    }
    arena_destroy(arena);
}

static void a_zone_has_its_own_names(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool is_inside;
    } rows[] = {
        {"a.test", true},   {"www.a.test", true}, {"x.y.a.test", true}, {".a.test", true}, {"ba.test", false},
        {"a.test.", false}, {"b.test", false},    {"test", false},      {"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (zone_has_name(STR("a.test"), str_of(rows[i].name)) != rows[i].is_inside) fail_msg("%s", rows[i].name);
}

static void what_is_not_seen_is_named(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct str spf[] = {STR("other=1"), STR("v=spf1 a ~all"), STR("v=spf1 -all")};
    struct rrset sets[] = {{STR("a.com"), "MX", 60, &STR("1 mx."), 1},
                           {STR("a.com"), "TXT", 60, &spf[1], 1},
                           {STR("a.com"), "A", 60, NULL, 0}};
    struct rrset seen[] = {{STR("a.com"), "MX", 7, &STR("1 mx."), 1},
                           {STR("a.com"), "TXT", 7, spf, 2},
                           {STR("a.com"), "A", 60, &STR("192.0.2.1"), 1}};
    const struct rrsets wanted = {sets, 3};
    assert_true(str_is(zone_not_seen(wanted, (struct rrsets){seen, 3}, arena), ""));
    assert_true(str_is(zone_not_seen(wanted, (struct rrsets){&seen[1], 1}, arena),
                       "a.com MX is not seen yet: a resolver has none, wanted is \"1 mx.\""));
    seen[1].n_data = 3; /* two policies are none */
    assert_true(str_is(zone_not_seen(wanted, (struct rrsets){seen, 3}, arena),
                       "a.com TXT is not seen yet: a resolver has \"other=1\", \"v=spf1 a ~all\" and 1 more, wanted is"
                       " \"v=spf1 a ~all\""));
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_as_listed),
        cmocka_unit_test(a_plan_is_done_once_and_touches_nothing_of_others),
        cmocka_unit_test(what_was_not_looked_at_is_not_guessed),
        cmocka_unit_test(texts_come_back_as_they_were),
        cmocka_unit_test(damaged_texts_are_refused),
        cmocka_unit_test(a_zone_has_its_own_names),
        cmocka_unit_test(what_is_not_seen_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
