/* The mail host's driver on its files: cases/mailhost.txt, and what the table cannot say. */
#include "mailhost_fixture.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/wait.h>

#include "cases.h"

/* ---- the table ---- */

enum { WORDS = 8 };

struct line_words {
    struct str words[WORDS];
};

static struct line_words words_of(struct str text) {
    struct line_words to = {0};
    for (size_t i = 0; i < WORDS && text.n; i++) to.words[i] = str_cut(text, ' ', &text);
    return to;
}

static int64_t number_of(struct str text) {
    int64_t number = -1;
    return str_to_int(text, 0, 1000, &number) ? number : -1;
}

static struct str outcome_word(enum outcome outcome) {
    static const char *const names[] = {"done", "refused", "unknown"};
    return str_of(names[outcome]);
}

static struct str do_create(struct fixture *f, const struct str *w, struct arena *arena) {
    (void)arena;
    return outcome_word(create(f->mailbox, w[0], w[1], w[2], NULL));
}

static struct str do_lookup(struct fixture *f, const struct str *w, struct arena *arena) {
    (void)arena;
    return outcome_word(mailbox_lookup(f->mailbox, w[0], w[1], NULL));
}

static struct str do_remove(struct fixture *f, const struct str *w, struct arena *arena) {
    (void)arena;
    return outcome_word(mailbox_remove(f->mailbox, w[0], w[1], NULL));
}

static struct str do_access(struct fixture *f, const struct str *w, struct arena *arena) {
    (void)arena;
    const struct mailbox_access job = {.key = w[0], .is_allowed = str_is(w[1], "open"), .change = number_of(w[2])};
    return outcome_word(mailbox_set_access(f->mailbox, &job, NULL));
}

static struct str do_dkim(struct fixture *f, const struct str *w, struct arena *arena) {
    (void)arena;
    struct mailbox_dkim move = {.domain = w[0], .rotation = number_of(w[1]), .phase = DKIM_PHASE_END};
    for (size_t i = 0; i < DKIM_PHASE_END; i++)
        if (str_is(w[2], dkim_phase_names[i])) move.phase = (enum dkim_phase)i;
    assert_int_not_equal(move.phase, DKIM_PHASE_END);
    return outcome_word(mailbox_set_dkim(f->mailbox, &move, NULL));
}

static struct str do_facts(struct fixture *f, const struct str *w, struct arena *arena) {
    struct mail_facts facts;
    enum outcome outcome = mailbox_mail_facts(f->mailbox, w[0], PROVIDER_AIRMAIL, arena, &facts, NULL);
    if (outcome != OUTCOME_DONE) return outcome_word(outcome);
    struct str text = STR("");
    for (size_t i = 0; i < facts.n_dkim; i++)
        text = arena_printf(arena, "%.*s%s%.*s", STR_ARG(text), i ? " " : "", STR_ARG(facts.dkim[i].selector));
    return text;
}

static struct str do_user(struct fixture *f, const struct str *w, struct arena *arena) {
    return query(
        f, "mail.db",
        "SELECT CASE active WHEN 1 THEN 'active ' ELSE 'inactive ' END || home FROM mailhost_users WHERE email = ?",
        w[0], arena);
}

static struct str do_opens(struct fixture *f, const struct str *w, struct arena *arena) {
    struct str hash = query(f, "mail.db", "SELECT password FROM mailhost_users WHERE email = ?", w[0], arena);
    return crypto_pwhash_str_verify(arena_cstr(arena, hash), w[1].p, w[1].n) ? STR("no") : STR("yes");
}

static struct str do_domains(struct fixture *f, const struct str *w, struct arena *arena) {
    (void)w;
    return query(f, "mail.db", "SELECT name FROM mailhost_domains ORDER BY name", STR(""), arena);
}

static struct str do_keys(struct fixture *f, const struct str *w, struct arena *arena) {
    return query(f, "signer/dkim.db",
                 "SELECT k.selector || CASE WHEN s.selector IS NULL THEN '' ELSE '*' END FROM dkim_keys k"
                 " LEFT JOIN dkim_signer s ON s.domain = k.domain AND s.algorithm = k.algorithm"
                 " AND s.selector = k.selector AND s.private_key = k.private_key"
                 " WHERE k.domain = ? ORDER BY k.rotation, k.selector",
                 w[0], arena);
}

static const struct {
    const char *name;
    struct str (*run)(struct fixture *f, const struct str *words, struct arena *arena);
} verbs[] = {
    {"create", do_create}, {"lookup", do_lookup}, {"remove", do_remove}, {"access", do_access},   {"dkim", do_dkim},
    {"facts", do_facts},   {"user", do_user},     {"opens", do_opens},   {"domains", do_domains}, {"keys", do_keys},
};

static void run_line(struct fixture *f, const struct case_line *line, struct arena *arena) {
    size_t arrow = 0;
    while (arrow + 2 <= line->value.n && memcmp(line->value.p + arrow, "->", 2) != 0) arrow++;
    if (arrow + 2 > line->value.n) CASE_FAIL(line, "no ->");
    struct str asked = str_trim((struct str){line->value.p, arrow});
    struct str expected = str_trim((struct str){line->value.p + arrow + 2, line->value.n - arrow - 2});
    if (str_is(line->key, "sql")) {
        execute(f, "mail.db", arena_cstr(arena, asked));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (!str_is(line->key, verbs[i].name)) continue;
        struct line_words words = words_of(asked);
        struct str said = verbs[i].run(f, words.words, arena);
        if (!str_eq(said, expected)) CASE_FAIL(line, "%.*s: it is \"%.*s\"", STR_ARG(line->key), STR_ARG(said));
        return;
    }
    CASE_FAIL(line, "no such verb");
}

static void cases_come_out_as_listed(void **state) {
    (void)state;
    struct arena *lines_arena = arena_create(1 << 19), *arena = arena_create(65536);
    struct fixture f = {0};
    size_t n;
    struct case_line *lines = cases_rows("mailhost.txt", lines_arena, &n);
    for (size_t i = 0; i < n; i++) {
        if (str_is(lines[i].key, "case"))
            fixture_init(&f);
        else
            run_line(&f, &lines[i], arena);
        if (lines[i].ends_block) fixture_finish(&f);
    }
    arena_destroy(arena);
    arena_destroy(lines_arena);
}

/* ---- rows and files ---- */

static void rows_are_what_other_programs_expect(void **state) {
    struct fixture *f = *state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    assert_int_equal(create(f->mailbox, STR("ann@a.test"), STR("k1"), STR("secret"), NULL), OUTCOME_DONE);
    assert_str(query(f, "mail.db", "SELECT quota || ' ' || sends_per_day || ' ' || domain FROM mailhost_users", STR(""),
                     arena),
               "2147483648 500 a.test");
    struct str hash = query(f, "mail.db", "SELECT password FROM mailhost_users", STR(""), arena);
    assert_true(str_starts(hash, "$argon2id$v=19$m=7168,t=5,p=1$"));
    /* Made again it stays, to the salt; with another password it does not. */
    assert_int_equal(create(f->mailbox, STR("ann@a.test"), STR("k1"), STR("secret"), NULL), OUTCOME_DONE);
    assert_str(query(f, "mail.db", "SELECT password FROM mailhost_users", STR(""), arena), arena_cstr(arena, hash));
    assert_int_equal(create(f->mailbox, STR("ann@a.test"), STR("k1"), STR("other"), NULL), OUTCOME_DONE);
    assert_false(str_eq(query(f, "mail.db", "SELECT password FROM mailhost_users", STR(""), arena), hash));
}

/* What doveadm ends with when it is asked whether PASSWORD is that of HASH. */
static int doveadm_says(const char *hash, const char *password) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
        execl("/usr/bin/doveadm", "doveadm", "-O", "pw", "-t", hash, "-p", password, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 127);
    return WEXITSTATUS(status);
}

/* Dovecot's own program, where it is. */
static void dovecot_takes_the_hash(void **state) {
    struct fixture *f = *state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    if (access("/usr/bin/doveadm", X_OK)) {
        if (getenv("CI")) fail_msg("doveadm is not there: scripts/setup installs it");
        print_message("no doveadm: not tried\n");
        skip();
    }
    assert_int_equal(create(f->mailbox, STR("ann@a.test"), STR("k1"), STR("secret"), NULL), OUTCOME_DONE);
    struct str hash = query(f, "mail.db", "SELECT '{ARGON2ID}' || password FROM mailhost_users", STR(""), arena);
    assert_int_equal(doveadm_says(arena_cstr(arena, hash), "secret"), 0);
    assert_int_not_equal(doveadm_says(arena_cstr(arena, hash), "other"), 0);
}

static unsigned mode_of(const struct fixture *f, const char *file) {
    struct stat about;
    char path[PATH_BYTES];
    path_in(f, file, path);
    assert_int_equal(stat(path, &about), 0);
    return about.st_mode & 07777;
}

static void files_have_exact_modes(void **state) {
    struct fixture *f = *state;
    char path[PATH_BYTES];
    assert_int_equal(mode_of(f, ""), 02750);
    assert_int_equal(mode_of(f, "signer"), 02750);
    assert_int_equal(mode_of(f, "mail.db"), 0640);
    assert_int_equal(mode_of(f, "signer/dkim.db"), 0640);
    /* A file that came back from a backup is mended, a folder is the operator's. */
    path_in(f, "signer", path);
    assert_int_equal(chmod(path, 0700), 0);
    path_in(f, "signer/dkim.db", path);
    assert_int_equal(chmod(path, 0644), 0);
    reopen(f);
    assert_int_equal(mode_of(f, "signer"), 0700);
    assert_int_equal(mode_of(f, "signer/dkim.db"), 0640);
    /* Readers may not write, so nothing but the files may be needed between two changes. */
    static const char *const beside[] = {"mail.db-journal", "mail.db-wal", "mail.db-shm", "signer/dkim.db-journal"};
    assert_int_equal(create(f->mailbox, STR("ann@a.test"), STR("k1"), STR("secret"), NULL), OUTCOME_DONE);
    for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
        path_in(f, beside[i], path);
        assert_int_not_equal(access(path, F_OK), 0);
    }
}

static void erased_keys_are_not_in_the_file(void **state) {
    struct fixture *f = *state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(65536);
    struct mail_facts facts;
    assert_int_equal(mailbox_mail_facts(f->mailbox, STR("a.test"), PROVIDER_AIRMAIL, arena, &facts, NULL),
                     OUTCOME_DONE);
    static const char sql[] = "SELECT private_key FROM dkim_keys WHERE selector = ?";
    struct str old = query(f, "signer/dkim.db", sql, STR("dfy1"), arena);
    struct str part = {old.p + 600, 60}; /* within a line or over one end of it */
    assert_true(old.n > 1600);
    assert_true(file_holds(f, "signer/dkim.db", part));
    const struct mailbox_dkim move = {STR("a.test"), 2, DKIM_SOLE};
    assert_int_equal(mailbox_set_dkim(f->mailbox, &move, NULL), OUTCOME_DONE);
    assert_false(file_holds(f, "signer/dkim.db", part));
    struct str now = query(f, "signer/dkim.db", sql, STR("dfy2"), arena);
    assert_true(file_holds(f, "signer/dkim.db", (struct str){now.p + 600, 60}));
}

int main(void) {
    if (sodium_init() < 0) return 1;
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_come_out_as_listed),  WITH_FILES(rows_are_what_other_programs_expect),
        WITH_FILES(dovecot_takes_the_hash),          WITH_FILES(files_have_exact_modes),
        WITH_FILES(erased_keys_are_not_in_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
