/* Settings: rows that agree with themselves, values at and beyond their limits, files, and which source wins. */
#include "cmd/dfyd/settings.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/dfyd/nearest.h"

struct fixture {
    struct arena *arena;
    const char *flags[SETTING_END];
    char file[32];
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->arena = arena_create(4096);
    f->flags[SETTING_DATA] = "folder";
    snprintf(f->file, sizeof f->file, "/tmp/dfyd-settings-XXXXXX");
    int fd = mkstemp(f->file);
    assert_true(fd >= 0);
    close(fd);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    unlink(f->file);
    arena_destroy(f->arena);
    free(f);
    return 0;
}

static void write_file(struct fixture *f, const char *text) {
    FILE *file = fopen(f->file, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    f->flags[SETTING_CONFIG] = f->file;
}

static const char *no_env(const char *name) {
    (void)name;
    return NULL;
}

static bool load(struct fixture *f, const char *(*env)(const char *), struct settings *ret, struct error *reterr) {
    struct setting_sources sources = {.flags = f->flags, .env = env};
    return settings_load(&sources, f->arena, ret, reterr);
}

static struct settings loaded(struct fixture *f, const char *(*env)(const char *)) {
    struct settings settings;
    struct error error = {0};
    if (!load(f, env, &settings, &error)) fail_msg("%s", error.message);
    return settings;
}

/* The message of a load that has to fail. */
static const char *refused(struct fixture *f, const char *(*env)(const char *)) {
    struct settings settings;
    struct error error = {0};
    if (load(f, env, &settings, &error)) fail_msg("was accepted");
    assert_int_equal(error.code, ERR_INVALID);
    return arena_cstr(f->arena, str_of(error.message));
}

static void assert_says(const char *message, const char *part) {
    assert_non_null(message);
    assert_non_null(part);
    if (!strstr(message, part)) fail_msg("\"%s\" does not say \"%s\"", message, part);
}

/* Help says that flag and variable follow from the name. */
static void test_rows_agree(void **state) {
    (void)state;
    for (size_t i = 0; i < SETTING_END; i++) {
        const struct setting_row *row = &setting_rows[i];
        assert_non_null(row->name);
        assert_non_null(row->help);
        assert_non_null(row->value);
        size_t n = strlen(row->name);
        assert_int_equal(strlen(row->flag), n);
        assert_int_equal(strlen(row->env), n + 5);
        assert_int_equal(strncmp(row->env, "DFYD_", 5), 0);
        for (size_t j = 0; j < n; j++) {
            char c = row->name[j];
            assert_true(islower((unsigned char)c) || isdigit((unsigned char)c) || c == '_');
            assert_int_equal(row->flag[j], c == '_' ? '-' : c);
            assert_int_equal(row->env[5 + j], toupper((unsigned char)c));
        }
        if (row->kind == SETTING_INT) assert_true(row->min < row->max);
        for (size_t j = 0; j < i; j++) assert_int_not_equal(row->offset, setting_rows[j].offset);
    }
}

static void test_defaults(void **state) {
    struct settings s = loaded(*state, no_env);
    assert_string_equal(s.data, "folder");
    assert_string_equal(s.db, "sqlite");
    assert_string_equal(s.listen.host, "127.0.0.1");
    assert_int_equal(s.listen.port, 8025);
    assert_in_range(s.http_threads, 1, 4);
    assert_int_equal(s.order_threads, 32);
    assert_int_equal(s.worker_threads, 4);
    assert_int_equal(s.connections, 10000);
    assert_int_equal(s.request_timeout_ms, 60000);
    assert_int_equal(s.drain_ms, 30000);
    assert_int_equal(s.retry_base_ms, 1000);
    assert_int_equal(s.retry_max_ms, 3600000);
    assert_int_equal(s.lease_ms, 120000);
    assert_int_equal(s.providers_off, 0);
    assert_string_equal(s.web_address, "127.0.0.1");
    assert_int_equal(s.rate_limit, 1);
    assert_int_equal(s.rate_per_second, 100);
    assert_int_equal(s.rate_per_minute, 6000);
    assert_int_equal(s.log_level, LOG_INFO);
}

static void test_data_is_required(void **state) {
    struct fixture *f = *state;
    f->flags[SETTING_DATA] = NULL;
    const char *message = refused(f, no_env);
    assert_says(message, "--data DIR");
    assert_says(message, "DFYD_DATA");
}

/* Both ends of every number's range are allowed, the next ones are not, and the message has the range. */
static void test_ranges(void **state) {
    struct fixture *f = *state;
    f->flags[SETTING_RETRY_BASE_MS] = "10"; /* never above the lowest retry_max_ms */
    for (size_t i = 0; i < SETTING_END; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (row->kind != SETTING_INT) continue;
        const char *before = f->flags[i];
        const int64_t good[] = {row->min, row->max}, bad[] = {row->min - 1, row->max + 1};
        for (size_t j = 0; j < 2; j++) {
            char text[24];
            f->flags[i] = text;
            snprintf(text, sizeof text, "%lld", (long long)good[j]);
            struct settings s = loaded(f, no_env);
            int64_t value;
            memcpy(&value, (const char *)&s + row->offset, sizeof value);
            assert_int_equal(value, good[j]);

            snprintf(text, sizeof text, "%lld", (long long)bad[j]);
            const char *message = refused(f, no_env);
            assert_says(message, arena_cstr(f->arena, arena_printf(f->arena, "--%s must be", row->flag)));
            assert_says(message, arena_cstr(f->arena, setting_range(row, f->arena)));
        }
        const char *const wrong[] = {"", "x", "1x", " 1", "1.0", "0x10", "99999999999999999999"};
        for (size_t j = 0; j < ARRAY_LEN(wrong); j++) {
            f->flags[i] = wrong[j];
            refused(f, no_env);
        }
        f->flags[i] = before;
    }
}

static void test_listen(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *text, *host;
        int port;
    } good[] = {
        {"127.0.0.1:0", "127.0.0.1", 0},
        {"0.0.0.0:65535", "0.0.0.0", 65535},
        {"[::1]:8025", "::1", 8025},
        {"[2001:db8::1]:80", "2001:db8::1", 80},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        f->flags[SETTING_LISTEN] = good[i].text;
        struct settings s = loaded(f, no_env);
        assert_string_equal(s.listen.host, good[i].host);
        assert_int_equal(s.listen.port, good[i].port);
    }
    static const char *const bad[] = {
        "",
        ":",
        "8025",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:-1",
        "::1:8025",
        "[::1]",
        "[::1]8025",
        "[::1:8025",
        "[127.0.0.1]:80",
        "127.0.0.1:65536",
        "[]:80",
        "1.2.3:80",
        "localhost:80",
        "127.0.0.1 :80",
        "127.0.0.1:80 ",
        "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        f->flags[SETTING_LISTEN] = bad[i];
        assert_says(refused(f, no_env), "--listen must be a numeric ADDRESS:PORT");
    }
}

static void test_urls(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *text, *url;
    } good[] = {
        {"https://mail.example.com", "https://mail.example.com"},
        {"http://127.0.0.1:8025/", "http://127.0.0.1:8025"},
        {"http://[::1]:80/a/b//", "http://[::1]:80/a/b"},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        f->flags[SETTING_PUBLIC_URL] = good[i].text;
        assert_string_equal(loaded(f, no_env).public_url, good[i].url);
    }
    char longest[220] = "http://";
    memset(longest + 7, 'a', 193);
    f->flags[SETTING_PUBLIC_URL] = longest;
    assert_string_equal(loaded(f, no_env).public_url, longest);
    longest[200] = 'a';
    const char *const bad[] = {
        "",          "example.com", "ftp://a",    "http://",    "https:///",   "http:///a",         "http://:80",
        "http://a?", "http://a/#x", "http://a b", "http://u@a", "http://a\"b", "http://a/\xc3\xa9", longest,
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        f->flags[SETTING_PUBLIC_URL] = bad[i];
        assert_says(refused(f, no_env), "--public-url must be a URL such as");
    }
}

/* A provider elsewhere has to know where to send customers back to. */
static void test_checkout_needs_an_address(void **state) {
    struct fixture *f = *state;
    f->flags[SETTING_CHECKOUT] = "on";
    assert_int_equal(loaded(f, no_env).checkout, 1);
    f->flags[SETTING_PAYMENT] = "stripe";
    assert_says(refused(f, no_env), "public_url is missing");
    f->flags[SETTING_PUBLIC_URL] = "https://a.example";
    assert_int_equal(loaded(f, no_env).checkout_minutes, 30);
}

static void test_providers_off(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *text;
        unsigned bits;
    } good[] = {{"1", 2}, {"3,1", 10}, {"1, 2 ,3", 14}, {"2,2", 4}, {"", 0}};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        f->flags[SETTING_PROVIDERS_OFF] = good[i].text;
        assert_int_equal(loaded(f, no_env).providers_off, good[i].bits);
    }
    static const char *const bad[] = {"0", "4", "1,,2", "1;2", "google", "1 2", ",1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        f->flags[SETTING_PROVIDERS_OFF] = bad[i];
        assert_says(refused(f, no_env), "--providers-off must be a list");
    }
}

static void test_words_and_addresses(void **state) {
    struct fixture *f = *state;
    f->flags[SETTING_LOG_LEVEL] = "off";
    assert_int_equal(loaded(f, no_env).log_level, LOG_OFF);
    f->flags[SETTING_LOG_LEVEL] = "Info";
    assert_says(refused(f, no_env), "one of debug, info, warn, error, off");
    f->flags[SETTING_LOG_LEVEL] = NULL;
    f->flags[SETTING_WEB_ADDRESS] = "192.0.2.10";
    assert_string_equal(loaded(f, no_env).web_address, "192.0.2.10");
    f->flags[SETTING_WEB_ADDRESS] = "192.0.2";
    assert_says(refused(f, no_env), "--web-address must be an IPv4 address");
}

static void test_other_databases(void **state) {
    struct fixture *f = *state;
    f->flags[SETTING_DB] = "";
    assert_string_equal(loaded(f, no_env).db, "sqlite");
    f->flags[SETTING_DB] = "postgresql://me@one,two/db?target_session_attrs=read-write";
    assert_string_equal(loaded(f, no_env).db, "postgresql://me@one,two/db?target_session_attrs=read-write");
    f->flags[SETTING_DB] = "mysql://me:hidden@host/db";
    const char *message = refused(f, no_env);
    assert_says(message, "--db must be sqlite");
    assert_null(strstr(message, "hidden"));
}

static void test_retry_order(void **state) {
    struct fixture *f = *state;
    f->flags[SETTING_RETRY_BASE_MS] = "500";
    f->flags[SETTING_RETRY_MAX_MS] = "500";
    loaded(f, no_env);
    f->flags[SETTING_RETRY_MAX_MS] = "499";
    assert_says(refused(f, no_env), "retry_max_ms (499) must not be less than retry_base_ms (500)");
}

static void test_file(void **state) {
    struct fixture *f = *state;
    f->flags[SETTING_DATA] = NULL;
    write_file(f, "# a comment\n"
                  "\n"
                  "  data =  /var/lib/my dfyd#1  \t# with a comment\r\n"
                  "listen=[::1]:1\n"
                  "db =\n"
                  "lease_ms = 5000"); /* no newline at the end */
    struct settings s = loaded(f, no_env);
    assert_string_equal(s.data, "/var/lib/my dfyd#1");
    assert_string_equal(s.listen.host, "::1");
    assert_int_equal(s.lease_ms, 5000);
}

static void test_file_errors(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"drain_ms = 1\nleese_ms = 1\n", ":2: there is no setting \"leese_ms\""},
        {"lease-ms = 5000\n", ":1: there is no setting \"lease-ms\""},
        {"= 5000\n", ":1: there is no setting \"\""},
        {"\n\nlease_ms 5000\n", ":3: expected `name = value`"},
        {"lease_ms = 5\n", ":1: lease_ms must be a whole number from 1000 to 86400000 milliseconds, not \"5\""},
        {"lease_ms = \n", ":1: lease_ms must be"},
        {"data = \n", ":1: data must be a text that is not empty"},
        {"lease_ms = 5000\n\nlease_ms = 5000\n", ":3: lease_ms is set twice"},
        {"config = x\n", ":1: config cannot be set in a file"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        write_file(f, cases[i].text);
        const char *message = refused(f, no_env);
        assert_says(message, f->file);
        assert_says(message, cases[i].says);
    }
}

static void test_line_length(void **state) {
    struct fixture *f = *state;
    char line[4100] = "# ";
    memset(line + 2, 'x', 4096 - 2);
    line[4096 - 1] = '\n';
    write_file(f, line);
    loaded(f, no_env);
    memcpy(line + 4096 - 1, "x\n", 3);
    write_file(f, line);
    assert_says(refused(f, no_env), ":1: the line is longer than 4096 bytes");
    /* One that never ends. */
    f->flags[SETTING_CONFIG] = "/dev/zero";
    assert_says(refused(f, no_env), "/dev/zero:1: the line is longer than 4096 bytes");
}

static void test_file_with_nul(void **state) {
    struct fixture *f = *state;
    FILE *file = fopen(f->file, "w");
    assert_non_null(file);
    static const char text[] = "web_address = 127.0.0.1\0x\n";
    assert_int_equal(fwrite(text, 1, sizeof text - 1, file), sizeof text - 1);
    assert_int_equal(fclose(file), 0);
    f->flags[SETTING_CONFIG] = f->file;
    assert_says(refused(f, no_env), ":1: web_address must be");
}

static void test_missing_file(void **state) {
    struct fixture *f = *state;
    f->flags[SETTING_CONFIG] = "/nowhere/dfyd.conf";
    assert_says(refused(f, no_env), "/nowhere/dfyd.conf: No such file");
    f->flags[SETTING_CONFIG] = "/";
    assert_says(refused(f, no_env), "/");
}

static const char *some_env(const char *name) {
    if (!strcmp(name, "DFYD_LEASE_MS")) return "2000";
    if (!strcmp(name, "DFYD_DRAIN_MS")) return "2000";
    if (!strcmp(name, "DFYD_RETRY_BASE_MS")) return ""; /* as if not set */
    return NULL;
}

static void test_precedence(void **state) {
    struct fixture *f = *state;
    write_file(f, "lease_ms = 1000\ndrain_ms = 1000\nretry_base_ms = 1001\nretry_max_ms = 1002\n");
    f->flags[SETTING_LEASE_MS] = "3000";
    struct settings s = loaded(f, some_env);
    assert_int_equal(s.lease_ms, 3000);
    assert_int_equal(s.drain_ms, 2000);
    assert_int_equal(s.retry_base_ms, 1001);
    assert_int_equal(s.retry_max_ms, 1002);
}

static const char *bad_env(const char *name) {
    return !strcmp(name, "DFYD_LEASE_MS") ? "soon" : NULL;
}

static void test_environment_errors(void **state) {
    assert_says(refused(*state, bad_env), "DFYD_LEASE_MS must be a whole number from 1000");
}

static void test_nearest(void **state) {
    (void)state;
    static const char *const words[] = {"serve", "key", "order", "workspace"};
    assert_string_equal(nearest_word("sevre", words, 4), "serve");
    assert_string_equal(nearest_word("serv", words, 4), "serve");
    assert_string_equal(nearest_word("kye", words, 4), "key");
    assert_string_equal(nearest_word("orders", words, 4), "order");
    assert_string_equal(nearest_word("wrokspcae", words, 4), "workspace");
    assert_null(nearest_word("frobnicate", words, 4));
    assert_null(nearest_word("", words, 4));
    assert_null(nearest_word("serveserveserveserveserveserveserveserveserveserve", words, 4));
}

int main(void) {
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_rows_agree),
        CASE(test_defaults),
        CASE(test_data_is_required),
        CASE(test_ranges),
        CASE(test_listen),
        CASE(test_urls),
        CASE(test_checkout_needs_an_address),
        CASE(test_providers_off),
        CASE(test_words_and_addresses),
        CASE(test_other_databases),
        CASE(test_retry_order),
        CASE(test_file),
        CASE(test_file_errors),
        CASE(test_line_length),
        CASE(test_file_with_nul),
        CASE(test_missing_file),
        CASE(test_precedence),
        CASE(test_environment_errors),
        CASE(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
