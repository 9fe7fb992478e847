#include <fcntl.h>
#include <sodium.h>

#include "store/vault.h"
#include "store_fixture.h"

static const char *key_path(struct fixture *f) {
    return arena_cstr(f->arena, arena_printf(f->arena, "%s/secret.key", f->dir));
}

static void what_was_sealed_opens(void **state) {
    struct fixture *f = *state;
    struct vault vault;
    vault_init(&vault, &f->rng);
    static const char *const plains[] = {"", "x", "correct horse battery staple"};
    for (size_t i = 0; i < ARRAY_LEN(plains); i++) {
        struct str sealed = vault_seal(&vault, &f->rng, str_of(plains[i]), f->arena), plain;
        assert_false(plains[i][0] && str_contains(sealed, plains[i]));
        OK(vault_open_sealed(&vault, sealed, f->arena, &plain, &f->error));
        assert_true(str_is(plain, plains[i]));
    }
    vault_finish(&vault);
    assert_true(sodium_is_zero(vault.key, sizeof vault.key));
}

static void the_same_text_is_sealed_differently(void **state) {
    struct fixture *f = *state;
    struct vault vault;
    vault_init(&vault, &f->rng);
    struct str a = vault_seal(&vault, &f->rng, STR("same"), f->arena);
    struct str b = vault_seal(&vault, &f->rng, STR("same"), f->arena);
    assert_false(str_eq(a, b));
}

static void a_changed_byte_is_noticed(void **state) {
    struct fixture *f = *state;
    struct vault vault;
    vault_init(&vault, &f->rng);
    struct str sealed = vault_seal(&vault, &f->rng, STR("password"), f->arena), plain;
    for (size_t i = 0; i < sealed.n; i++) {
        char *copy = arena_alloc(f->arena, sealed.n);
        memcpy(copy, sealed.p, sealed.n);
        copy[i] ^= 1;
        FAILS(ERR_INTERNAL, vault_open_sealed(&vault, (struct str){copy, sealed.n}, f->arena, &plain, &f->error));
    }
    for (size_t n = 0; n < sealed.n; n++)
        FAILS(ERR_INTERNAL, vault_open_sealed(&vault, (struct str){sealed.p, n}, f->arena, &plain, &f->error));
}

static void another_key_does_not_open(void **state) {
    struct fixture *f = *state;
    struct vault vault, other;
    vault_init(&vault, &f->rng);
    vault_init(&other, &f->rng);
    struct str sealed = vault_seal(&vault, &f->rng, STR("password"), f->arena), plain;
    FAILS(ERR_INTERNAL, vault_open_sealed(&other, sealed, f->arena, &plain, &f->error));
    assert_non_null(strstr(f->error.message, "secret.key"));
}

static void the_key_file_lasts(void **state) {
    struct fixture *f = *state;
    struct vault first, second;
    OK(vault_open(f->dir, true, &first, &f->error));
    OK(vault_open(f->dir, true, &second, &f->error));
    assert_memory_equal(first.key, second.key, sizeof first.key);
    assert_false(sodium_is_zero(first.key, sizeof first.key));
    struct stat about;
    assert_int_equal(stat(key_path(f), &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    assert_int_equal(about.st_size, 32);
    assert_int_equal(about.st_nlink, 1);
}

static void a_readable_key_is_refused(void **state) {
    struct fixture *f = *state;
    struct vault vault;
    OK(vault_open(f->dir, true, &vault, &f->error));
    static const mode_t modes[] = {0640, 0604, 0660};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        assert_int_equal(chmod(key_path(f), modes[i]), 0);
        FAILS(ERR_INVALID, vault_open(f->dir, true, &vault, &f->error));
        assert_non_null(strstr(f->error.message, "chmod 600"));
    }
    assert_int_equal(chmod(key_path(f), 0600), 0);
    OK(vault_open(f->dir, true, &vault, &f->error));
}

static void a_cut_key_is_refused(void **state) {
    struct fixture *f = *state;
    struct vault vault;
    OK(vault_open(f->dir, true, &vault, &f->error));
    assert_int_equal(truncate(key_path(f), 31), 0);
    FAILS(ERR_INVALID, vault_open(f->dir, true, &vault, &f->error));
}

static void a_link_is_not_followed(void **state) {
    struct fixture *f = *state;
    struct vault vault;
    assert_int_equal(symlink("/etc/hostname", key_path(f)), 0);
    FAILS(ERR_UNAVAILABLE, vault_open(f->dir, true, &vault, &f->error));
}

int main(void) {
    if (sodium_init() < 0) return 1;
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(what_was_sealed_opens),     CASE(the_same_text_is_sealed_differently),
        CASE(a_changed_byte_is_noticed), CASE(another_key_does_not_open),
        CASE(the_key_file_lasts),        CASE(a_readable_key_is_refused),
        CASE(a_cut_key_is_refused),      CASE(a_link_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
