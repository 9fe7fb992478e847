/* Sessions of the console: found by hash, for as long as they and their key last. */
#include "store/sessions.h"
#include "store_fixture.h"

enum { BEGAN = 1000, ENDS = 5000 };

struct opened {
    char token[SESSION_TEXT];
    unsigned char hash[SESSION_HASH];
};

static struct api_key add_key(struct fixture *f) {
    struct api_key key = {.name = STR("console"), .scopes = STR("all:read"), .created_ms = 5};
    char secret[KEY_TEXT];
    unsigned char hash[KEY_HASH];
    key_secret_make(&f->rng, secret);
    key_hash(str_of(secret), hash);
    ids_uuid(&f->ids, key.id);
    memcpy(key.workspace_id, WORKSPACE, UUID_TEXT);
    OK(IN_TX(key_add(f->db, &key, hash, &f->error)));
    return key;
}

static struct opened open_session(struct fixture *f, const struct api_key *key, int64_t ends) {
    struct opened opened = {0};
    session_token_make(&f->rng, opened.token);
    session_hash(str_of(opened.token), opened.hash);
    OK(IN_TX(session_add(f->db, opened.hash, str_of(key->id), BEGAN, ends, &f->error)));
    return opened;
}

static bool is_open(struct fixture *f, const struct opened *opened, int64_t now) {
    struct api_key key;
    int64_t expires;
    if (session_find(f->db, opened->hash, now, f->arena, &key, &expires, &f->error)) return true;
    assert_int_equal(f->error.code, ERR_NOT_FOUND);
    return false;
}

static void tokens_are_random_and_not_stored(void **state) {
    struct fixture *f = *state;
    struct api_key key = add_key(f);
    struct opened a = open_session(f, &key, ENDS), b = open_session(f, &key, ENDS);
    assert_int_equal(strlen(a.token), SESSION_TEXT - 1);
    assert_string_not_equal(a.token, b.token);
    assert_memory_not_equal(a.hash, b.hash, SESSION_HASH);
    /* The same token, taken for text, opens nothing. */
    FAILS(ERR_CONFLICT, IN_TX(session_add(f->db, a.hash, str_of(key.id), BEGAN, ENDS, &f->error)));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM sessions WHERE LENGTH(hash) = 32"), 2);
}

static void a_session_acts_by_its_key_until_it_ends(void **state) {
    struct fixture *f = *state;
    struct api_key key = add_key(f), found;
    struct opened opened = open_session(f, &key, ENDS), other;
    int64_t expires = 0;
    OK(session_find(f->db, opened.hash, BEGAN, f->arena, &found, &expires, &f->error));
    assert_string_equal(found.id, key.id);
    assert_string_equal(found.workspace_id, WORKSPACE);
    assert_true(str_is(found.scopes, "all:read"));
    assert_int_equal(expires, ENDS);
    assert_true(is_open(f, &opened, ENDS - 1));
    assert_false(is_open(f, &opened, ENDS));
    session_hash(STR("another"), other.hash);
    assert_false(is_open(f, &other, BEGAN));
}

static void signing_out_ends_one(void **state) {
    struct fixture *f = *state;
    struct api_key key = add_key(f);
    struct opened a = open_session(f, &key, ENDS), b = open_session(f, &key, ENDS);
    bool ended = false;
    OK(IN_TX(session_end(f->db, a.hash, &ended, &f->error)));
    assert_true(ended);
    assert_false(is_open(f, &a, BEGAN));
    assert_true(is_open(f, &b, BEGAN));
    OK(IN_TX(session_end(f->db, a.hash, &ended, &f->error)));
    assert_false(ended);
}

static void a_revoked_key_ends_all_of_its_own(void **state) {
    struct fixture *f = *state;
    struct api_key one = add_key(f), two = add_key(f);
    struct opened a = open_session(f, &one, ENDS), b = open_session(f, &one, ENDS), c = open_session(f, &two, ENDS);
    OK(IN_TX(key_revoke(f->db, str_of(one.id), BEGAN, &f->error)));
    assert_false(is_open(f, &a, BEGAN) || is_open(f, &b, BEGAN));
    assert_true(is_open(f, &c, BEGAN));
}

static void what_ended_is_forgotten(void **state) {
    struct fixture *f = *state;
    struct api_key key = add_key(f);
    open_session(f, &key, ENDS);
    struct opened later = open_session(f, &key, ENDS + 1);
    OK(IN_TX(sessions_forget(f->db, ENDS - 1, &f->error)));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM sessions"), 2);
    OK(IN_TX(sessions_forget(f->db, ENDS, &f->error)));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM sessions"), 1);
    assert_true(is_open(f, &later, ENDS));
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(tokens_are_random_and_not_stored),
        CASE(a_session_acts_by_its_key_until_it_ends),
        CASE(signing_out_ends_one),
        CASE(a_revoked_key_ends_all_of_its_own),
        CASE(what_ended_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
