#include "store/idempotency.h"
#include "store/keys.h"
#include "store_fixture.h"

static bool file_holds(struct fixture *f, const char *name, const char *text) {
    if (fixture_on_postgres()) return false; /* the server's files */
    FILE *file = fopen(arena_cstr(f->arena, arena_printf(f->arena, "%s/%s", f->dir, name)), "r");
    assert_non_null(file);
    static char bytes[1 << 20];
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return str_contains((struct str){bytes, n}, text);
}

static void keys_are_found_by_hash_until_revoked(void **state) {
    struct fixture *f = *state;
    char secret[KEY_TEXT], other[KEY_TEXT];
    unsigned char hash[KEY_HASH], other_hash[KEY_HASH];
    key_secret_make(&f->rng, secret);
    key_secret_make(&f->rng, other);
    assert_int_equal(strlen(secret), KEY_TEXT - 1);
    assert_memory_equal(secret, "dfyd_", 5);
    assert_string_not_equal(secret, other);
    key_hash(str_of(secret), hash);
    key_hash(str_of(other), other_hash);
    struct api_key key = {
        .name = STR("ci"), .scopes = STR("all:read all:create"), .is_operator = true, .created_ms = 5};
    ids_uuid(&f->ids, key.id);
    memcpy(key.workspace_id, WORKSPACE, UUID_TEXT);
    OK(IN_TX(key_add(f->db, &key, hash, &f->error)));

    struct api_key found;
    OK(key_find(f->db, hash, f->arena, &found, &f->error));
    assert_string_equal(found.id, key.id);
    assert_string_equal(found.workspace_id, WORKSPACE);
    assert_true(str_is(found.name, "ci"));
    assert_true(str_is(found.scopes, "all:read all:create"));
    assert_true(found.is_operator);
    FAILS(ERR_NOT_FOUND, key_find(f->db, other_hash, f->arena, &found, &f->error));
    assert_false(file_holds(f, "dfyd.db", secret) || file_holds(f, "dfyd.db-wal", secret));
    assert_true(fixture_on_postgres() || file_holds(f, "dfyd.db", key.id) || file_holds(f, "dfyd.db-wal", key.id));

    OK(IN_TX(key_revoke(f->db, str_of(key.id), 9, &f->error)));
    FAILS(ERR_NOT_FOUND, key_find(f->db, hash, f->arena, &found, &f->error));
    FAILS(ERR_NOT_FOUND, IN_TX(key_revoke(f->db, str_of(key.id), 10, &f->error)));
    FAILS(ERR_NOT_FOUND, IN_TX(key_revoke(f->db, STR("none"), 10, &f->error)));
    struct api_key *list;
    size_t n;
    ids_uuid(&f->ids, key.id);
    OK(IN_TX(key_add(f->db, &key, other_hash, &f->error)));
    OK(key_list(f->db, STR(WORKSPACE), f->arena, &list, &n, &f->error));
    assert_int_equal(n, 2);
    assert_string_equal(list[0].id, key.id);
    assert_int_equal(list[0].revoked_ms, 0);
    assert_int_equal(list[1].revoked_ms, 9);
    OK(key_list(f->db, STR(STRANGER), f->arena, &list, &n, &f->error));
    assert_int_equal(n, 0);
}

static void workspaces_go_by_id_or_name(void **state) {
    struct fixture *f = *state;
    struct workspace w;
    OK(workspace_find(f->db, STR(WORKSPACE), f->arena, &w, &f->error));
    assert_true(str_is(w.name, "mine"));
    OK(workspace_find(f->db, STR("theirs"), f->arena, &w, &f->error));
    assert_string_equal(w.id, STRANGER);
    FAILS(ERR_NOT_FOUND, workspace_find(f->db, STR("nobody"), f->arena, &w, &f->error));
    /* A name that looks like an id does not stand before the real one. */
    fixture_add_workspace(f, "01900000-0000-7000-8000-000000000000", STRANGER);
    OK(workspace_find(f->db, STR(STRANGER), f->arena, &w, &f->error));
    assert_string_equal(w.id, STRANGER);

    OK(IN_TX(workspace_set_plan(f->db, STR(WORKSPACE), false, &f->error)));
    OK(workspace_find(f->db, STR(WORKSPACE), f->arena, &w, &f->error));
    assert_false(w.plan_active);
    FAILS(ERR_NOT_FOUND, IN_TX(workspace_set_plan(f->db, STR("nobody"), true, &f->error)));
    struct workspace *list;
    size_t n;
    OK(workspace_list(f->db, f->arena, &list, &n, &f->error));
    assert_int_equal(n, 3);
    assert_true(str_is(list[1].name, "mine"));
}

static void workspace_names_have_a_length(void **state) {
    struct fixture *f = *state;
    struct workspace w = {.id = "01900000-0000-7000-8000-000000000007", .name = STR("")};
    FAILS(ERR_INVALID, IN_TX(workspace_add(f->db, &w, &f->error)));
    char name[101];
    memset(name, 'x', sizeof name);
    w.name = (struct str){name, 101};
    FAILS(ERR_INVALID, IN_TX(workspace_add(f->db, &w, &f->error)));
    w.name.n = 100;
    OK(IN_TX(workspace_add(f->db, &w, &f->error)));
}

static void a_workspace_has_one_card(void **state) {
    struct fixture *f = *state;
    struct card card;
    OK(card_get(f->db, STR(WORKSPACE), f->arena, &card, &f->error));
    assert_false(card.exists);
    assert_int_equal(card.last4.n, 0);
    struct card visa = {true, STR("tok_1"), STR("visa"), STR("4242"), STR("Ada Byron"), STR("sandbox")},
                other = {true, STR("tok_2"), STR("amex"), STR("0005"), STR(""), STR("stripe")};
    OK(IN_TX(card_set(f->db, STR(WORKSPACE), &visa, 1, &f->error)));
    OK(IN_TX(card_set(f->db, STR(WORKSPACE), &other, 2, &f->error)));
    OK(card_get(f->db, STR(WORKSPACE), f->arena, &card, &f->error));
    assert_true(card.exists);
    assert_true(str_is(card.token, "tok_2"));
    assert_true(str_is(card.brand, "amex"));
    assert_true(str_is(card.last4, "0005"));
    assert_true(str_is(card.name_on_card, ""));
    assert_true(str_is(card.driver, "stripe"));
    OK(card_get(f->db, STR(STRANGER), f->arena, &card, &f->error));
    assert_false(card.exists);
    bool removed;
    OK(IN_TX(card_remove(f->db, STR(WORKSPACE), &removed, &f->error)));
    assert_true(removed);
    OK(IN_TX(card_remove(f->db, STR(WORKSPACE), &removed, &f->error)));
    assert_false(removed);
}

static enum idempotency claim(struct fixture *f, const char *workspace, const char *key, char body,
                              struct str *answer) {
    struct idempotency_claim c = {
        .workspace_id = str_of(workspace), .key = str_of(key), .now_ms = f->now, .dead_after_ms = 1000};
    memset(c.body_hash, body, sizeof c.body_hash);
    enum idempotency ret = IDEMPOTENCY_NEW;
    OK(IN_TX(idempotency_claim(f->db, &c, f->arena, &ret, answer, &f->error)));
    return ret;
}

static bool store_answer(struct fixture *f, const char *workspace, const char *key, const char *answer,
                         int64_t now_ms) {
    const struct idempotency_hold hold = {.workspace_id = str_of(workspace), .key = str_of(key)};
    bool held;
    return idempotency_store(f->db, &hold, str_of(answer), now_ms, &held, &f->error);
}

static bool drop(struct fixture *f, const char *workspace, const char *key) {
    const struct idempotency_hold hold = {.workspace_id = str_of(workspace), .key = str_of(key)};
    return idempotency_drop(f->db, &hold, &f->error);
}

static void a_key_answers_the_same_again(void **state) {
    struct fixture *f = *state;
    struct str answer;
    assert_int_equal(claim(f, WORKSPACE, "k", 'x', &answer), IDEMPOTENCY_NEW);
    assert_int_equal(claim(f, WORKSPACE, "k", 'x', &answer), IDEMPOTENCY_RUNNING);
    assert_int_equal(claim(f, WORKSPACE, "k", 'y', &answer), IDEMPOTENCY_OTHER_BODY);
    assert_int_equal(claim(f, STRANGER, "k", 'y', &answer), IDEMPOTENCY_NEW);
    OK(IN_TX(store_answer(f, WORKSPACE, "k", "first", f->now)));
    OK(IN_TX(store_answer(f, WORKSPACE, "k", "second", f->now)));
    OK(IN_TX(drop(f, WORKSPACE, "k"))); /* only drops held keys */
    assert_int_equal(claim(f, WORKSPACE, "k", 'x', &answer), IDEMPOTENCY_DONE);
    assert_true(str_is(answer, "first"));
    OK(IN_TX(drop(f, STRANGER, "k")));
    assert_int_equal(claim(f, STRANGER, "k", 'z', &answer), IDEMPOTENCY_NEW);
}

static void old_answers_are_dropped(void **state) {
    struct fixture *f = *state;
    struct str answer;
    assert_int_equal(claim(f, WORKSPACE, "old", 'x', &answer), IDEMPOTENCY_NEW);
    assert_int_equal(claim(f, WORKSPACE, "late", 'x', &answer), IDEMPOTENCY_NEW);
    assert_int_equal(claim(f, WORKSPACE, "held", 'x', &answer), IDEMPOTENCY_NEW);
    OK(IN_TX(store_answer(f, WORKSPACE, "old", "a", f->now)));
    OK(IN_TX(store_answer(f, WORKSPACE, "late", "b", f->now + 1)));
    OK(IN_TX(idempotency_expire(f->db, f->now + 1, &f->error)));
    assert_int_equal(claim(f, WORKSPACE, "old", 'y', &answer), IDEMPOTENCY_NEW);
    assert_int_equal(claim(f, WORKSPACE, "late", 'x', &answer), IDEMPOTENCY_DONE);
    assert_int_equal(claim(f, WORKSPACE, "held", 'x', &answer), IDEMPOTENCY_RUNNING);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(keys_are_found_by_hash_until_revoked), CASE(workspaces_go_by_id_or_name),
        CASE(workspace_names_have_a_length),        CASE(a_workspace_has_one_card),
        CASE(a_key_answers_the_same_again),         CASE(old_answers_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
