/* The table of nodes: who lives, who is forgotten, who stands still for the sandbox's clock. */
#include "store_fixture.h"

#include "store/nodes.h"

static struct node_row node_of(const char *id, const char *name) {
    return (struct node_row){
        .id = str_of(id), .name = str_of(name), .version = STR("1.2.3"), .roles = STR("api worker"), .started_ms = 7};
}

static void beat(struct fixture *f, const struct node_row *node, int64_t expected) {
    int64_t alive = 0;
    OK(IN_TX(nodes_beat(f->db, node, &alive, &f->error)));
    assert_int_equal(alive, expected);
}

static void test_who_lives(void **state) {
    struct fixture *f = *state;
    struct node_row a = node_of("a", "paris"), b = node_of("b", "berlin"), *rows;
    size_t n;
    beat(f, &a, 1);
    beat(f, &b, 2);
    fixture_run(f, "UPDATE nodes SET seen_ms = seen_ms - 16000 WHERE id = 'a'");
    beat(f, &b, 1);
    OK(nodes_list(f->db, f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 2);
    assert_true(str_is(rows[0].name, "berlin") && str_is(rows[1].name, "paris"));
    assert_true(rows[0].silent_ms < NODE_ALIVE_MS && rows[1].silent_ms >= 16000 && rows[1].silent_ms < 60000);
    assert_true(str_is(rows[1].roles, "api worker") && str_is(rows[1].version, "1.2.3"));
    assert_int_equal(rows[1].started_ms, 7);
    assert_int_equal(rows[1].schema, migrate_newest());
    beat(f, &a, 2); /* it was only silent */
    OK(IN_TX(nodes_leave(f->db, STR("a"), &f->error)));
    beat(f, &b, 1);
}

static void test_who_is_forgotten(void **state) {
    struct fixture *f = *state;
    struct node_row a = node_of("a", "paris"), b = node_of("b", "berlin");
    beat(f, &a, 1);
    beat(f, &b, 2);
    fixture_run(f, "UPDATE nodes SET seen_ms = seen_ms - 3500000 WHERE id = 'a'");
    OK(IN_TX(nodes_forget_silent(f->db, &f->error)));
    assert_string_equal(words_of(f, "SELECT id FROM nodes ORDER BY id"), "a|b");
    fixture_run(f, "UPDATE nodes SET seen_ms = seen_ms - 100001 WHERE id = 'a'");
    OK(IN_TX(nodes_forget_silent(f->db, &f->error)));
    assert_string_equal(words_of(f, "SELECT id FROM nodes ORDER BY id"), "b");
    beat(f, &a, 2); /* it comes back, with all that it is */
    assert_string_equal(words_of(f, "SELECT name FROM nodes ORDER BY id"), "paris|berlin");
    OK(IN_TX(nodes_forget_others(f->db, STR("a"), &f->error)));
    assert_string_equal(words_of(f, "SELECT id FROM nodes ORDER BY id"), "a");
}

static const char *busy(struct fixture *f, int64_t ahead_ms) {
    struct str name;
    OK(nodes_busy(f->db, ahead_ms, f->arena, &name, &f->error));
    return arena_cstr(f->arena, name);
}

static void test_who_stands_still(void **state) {
    struct fixture *f = *state;
    struct node_row a = node_of("a", "paris"), b = node_of("b", "berlin");
    assert_string_equal(busy(f, 0), "");
    beat(f, &a, 1);
    beat(f, &b, 2);
    assert_string_equal(busy(f, 0), "berlin");
    OK(IN_TX(nodes_be_still(f->db, STR("b"), 0, &f->error)));
    assert_string_equal(busy(f, 0), "paris");
    OK(IN_TX(nodes_be_still(f->db, STR("a"), 0, &f->error)));
    assert_string_equal(busy(f, 0), "");
    beat(f, &a, 2); /* that it lives changes nothing of it */
    assert_string_equal(busy(f, 0), "");
    assert_string_equal(busy(f, 500), "berlin"); /* it moved: they may be at work by the new time */
    OK(IN_TX(nodes_be_still(f->db, STR("b"), NODE_AT_WORK, &f->error)));
    assert_string_equal(busy(f, 0), "berlin");
    fixture_run(f, "UPDATE nodes SET seen_ms = seen_ms - 16000 WHERE id = 'b'");
    assert_string_equal(busy(f, 0), ""); /* nobody waits for the dead */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_lives, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_who_is_forgotten, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_who_stands_still, fixture_make, fixture_drop),
    };
    return cmocka_run_group_tests_name("store_nodes", tests, NULL, NULL);
}
