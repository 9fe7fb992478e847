/* The mail host's driver on its files: cases/mailhost.txt, and what the table cannot say. */
#include "mailhost_fixture.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
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

/* ---- settings ---- */

static void settings_that_are_missing_are_named(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *what, *name, *spf, *reports, *url, *key, *says;
    } rows[] = {
        {"no name", NULL, NULL, NULL, NULL, NULL, "mailhost_name is missing"},
        {"two terms", "mx.x.test", "a:b c:d", NULL, NULL, NULL, "mailhost_spf must be one term"},
        {"no address", "mx.x.test", NULL, "me", NULL, NULL, "mailhost_reports must be a mail address"},
        {"no key", "mx.x.test", NULL, NULL, "http://127.0.0.1:1", "", "mailhost_doveadm_key_file"},
        {"key of two words", "mx.x.test", NULL, NULL, "http://127.0.0.1:1", "a b", "printable characters"},
        {"open line", "mx.x.test", NULL, NULL, "http://mail.example.com", "k", "must begin with https://"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mailhost_config config = f->config;
        struct mailbox *mailbox = NULL;
        struct error error = {0};
        config.name = rows[i].name;
        config.spf = rows[i].spf;
        config.reports = rows[i].reports;
        config.doveadm_url = rows[i].url;
        config.doveadm_key = rows[i].key;
        if (mailbox_mailhost_open(&config, &mailbox, &error)) fail_msg("%s: taken", rows[i].what);
        assert_int_equal(error.code, ERR_INVALID);
        if (!strstr(error.message, rows[i].says)) fail_msg("%s: %s", rows[i].what, error.message);
    }
}

static void a_lost_file_is_not_made_anew(void **state) {
    struct fixture *f = *state;
    char path[PATH_BYTES], kept[PATH_BYTES];
    struct error error = {0};
    assert_int_equal(create(f->mailbox, STR("ann@a.test"), STR("k1"), STR("secret"), NULL), OUTCOME_DONE);
    mailbox_destroy(f->mailbox);
    f->mailbox = NULL;
    path_in(f, "mail.db", path);
    path_in(f, "kept.db", kept);
    assert_int_equal(rename(path, kept), 0);
    assert_false(mailbox_mailhost_open(&f->config, &f->mailbox, &error));
    assert_non_null(strstr(error.message, "mail.db is missing: restore it from a backup"));
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(mknod(path, S_IFREG | 0640, 0), 0);
    assert_false(mailbox_mailhost_open(&f->config, &f->mailbox, &error));
    assert_non_null(strstr(error.message, "mail.db is empty: restore it from a backup"));
    assert_int_equal(rename(kept, path), 0);
    /* Keys can be made anew, and a start that was cut short goes on. */
    path_in(f, "signer/dkim.db", path);
    assert_int_equal(unlink(path), 0);
    reopen(f);
    assert_int_equal(mailbox_lookup(f->mailbox, STR("ann@a.test"), STR("k1"), NULL), OUTCOME_DONE);
}

static void folders_that_cannot_be_are_named(void **state) {
    struct fixture *f = *state;
    char path[PATH_BYTES];
    struct mailhost_config config = f->config;
    struct mailbox *mailbox;
    struct error error = {0};
    path_in(f, "none/mailhost", path);
    config.dir = path;
    assert_false(mailbox_mailhost_open(&config, &mailbox, &error));
    assert_int_equal(error.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(error.message, path));
    path_in(f, "mail.db", path);
    assert_false(mailbox_mailhost_open(&config, &mailbox, &error));
    assert_non_null(strstr(error.message, "is not a folder"));
    execute(f, "mail.db", "PRAGMA user_version = 99");
    mailbox_destroy(f->mailbox);
    f->mailbox = NULL;
    assert_false(mailbox_mailhost_open(&f->config, &f->mailbox, &error));
    assert_non_null(strstr(error.message, "use a newer dfyd"));
    execute(f, "mail.db", "PRAGMA user_version = 1");
}

/* ---- facts ---- */

static struct mail_facts facts_with(struct fixture *f, struct arena *arena) {
    struct mail_facts facts;
    struct answer answer;
    reopen(f);
    if (mailbox_mail_facts(f->mailbox, STR("a.test"), PROVIDER_AIRMAIL, arena, &facts, &answer) != OUTCOME_DONE)
        fail_msg("%s", answer.reason);
    return facts;
}

static void facts_follow_the_settings(void **state) {
    struct fixture *f = *state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(65536);
    struct mail_facts facts = facts_with(f, arena);
    assert_str(facts.mx_host, "mx.example.test");
    assert_int_equal(facts.mx_preference, 10);
    assert_str(facts.spf_term, "a:mx.example.test");
    assert_str(facts.reports, "postmaster@mx.example.test");
    assert_str(facts.mta_sts_id, "");
    assert_str(facts.imap.host, "mx.example.test");
    assert_int_equal(facts.imap.port, 993);
    assert_str(facts.submission.host, "mx.example.test");
    assert_int_equal(facts.submission.port, 465);
    f->config.spf = "include:_spf.example.test";
    f->config.reports = "reports@example.test";
    struct str record = arena_str(arena, facts.dkim[0].value);
    facts = facts_with(f, arena);
    assert_str(facts.spf_term, "include:_spf.example.test");
    assert_str(facts.reports, "reports@example.test");
    assert_true(str_eq(facts.dkim[0].value, record)); /* kept over a new start */
}

static void the_policys_id_changes_with_the_policy(void **state) {
    struct fixture *f = *state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(65536);
    static const struct {
        const char *mode, *name;
    } rows[] = {{"testing", "mx.example.test"}, {"enforce", "mx.example.test"}, {"enforce", "mx2.example.test"}};
    struct str ids[ARRAY_LEN(rows)];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        f->config.mta_sts = rows[i].mode;
        f->config.name = rows[i].name;
        ids[i] = arena_str(arena, facts_with(f, arena).mta_sts_id);
        assert_true(str_eq(ids[i], facts_with(f, arena).mta_sts_id));
        assert_in_range(ids[i].n, 1, 32);
        for (size_t j = 0; j < ids[i].n; j++) assert_non_null(strchr("0123456789abcdef", ids[i].p[j]));
        for (size_t j = 0; j < i; j++) assert_false(str_eq(ids[i], ids[j]));
    }
}

static void other_providers_wait(void **state) {
    struct fixture *f = *state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    assert_int_equal(f->mailbox->ops->providers, 1 << PROVIDER_AIRMAIL);
    for (int provider = PROVIDER_NONE; provider < PROVIDER_END; provider++) {
        struct mail_facts facts;
        const struct mailbox_create job = {
            .email = STR("ann@a.test"), .key = STR("k"), .provider = (enum provider)provider};
        if (provider == PROVIDER_AIRMAIL) continue;
        assert_int_equal(mailbox_mail_facts(f->mailbox, STR("a.test"), (enum provider)provider, arena, &facts, NULL),
                         OUTCOME_UNKNOWN);
        assert_int_equal(mailbox_create(f->mailbox, &job, NULL), OUTCOME_UNKNOWN);
    }
}

/* The bytes of "...; p=BASE64". */
static size_t public_bytes(struct str record, const char *begins, unsigned char *to, size_t size) {
    size_t n;
    assert_true(str_starts(record, begins));
    struct str text = {record.p + strlen(begins), record.n - strlen(begins)};
    assert_int_equal(sodium_base642bin(to, size, text.p, text.n, NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
    return n;
}

static EVP_PKEY *private_key(struct str pem) {
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(key);
    return key;
}

static void check_same(EVP_PKEY *open, struct str pem) {
    EVP_PKEY *key = private_key(pem);
    assert_non_null(open);
    assert_int_equal(EVP_PKEY_eq(open, key), 1);
    EVP_PKEY_free(open);
    EVP_PKEY_free(key);
}

static void check_rsa(struct str record, struct str pem) {
    unsigned char bytes[1024];
    const unsigned char *at = bytes;
    size_t n = public_bytes(record, "v=DKIM1; k=rsa; p=", bytes, sizeof bytes);
    EVP_PKEY *open = d2i_PUBKEY(NULL, &at, (long)n);
    assert_true(at == bytes + n);
    assert_int_equal(EVP_PKEY_get_bits(open), 2048);
    check_same(open, pem);
}

static void check_ed25519(struct str record, struct str pem) {
    unsigned char bytes[1024];
    assert_int_equal(public_bytes(record, "v=DKIM1; k=ed25519; p=", bytes, sizeof bytes), 32);
    check_same(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, 32), pem);
}

static void keys_and_records_belong_together(void **state) {
    struct fixture *f = *state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(65536);
    struct mail_facts facts = facts_with(f, arena);
    static const char sql[] = "SELECT private_key FROM dkim_signer WHERE domain = 'a.test' AND algorithm = ?";
    assert_int_equal(facts.n_dkim, 2);
    check_rsa(facts.dkim[0].value, query(f, "signer/dkim.db", sql, STR("rsa"), arena));
    check_ed25519(facts.dkim[1].value, query(f, "signer/dkim.db", sql, STR("ed25519"), arena));
}

int main(void) {
    if (sodium_init() < 0) return 1;
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_come_out_as_listed),
        WITH_FILES(rows_are_what_other_programs_expect),
        WITH_FILES(dovecot_takes_the_hash),
        WITH_FILES(files_have_exact_modes),
        WITH_FILES(erased_keys_are_not_in_the_file),
        WITH_FILES(settings_that_are_missing_are_named),
        WITH_FILES(a_lost_file_is_not_made_anew),
        WITH_FILES(folders_that_cannot_be_are_named),
        WITH_FILES(facts_follow_the_settings),
        WITH_FILES(the_policys_id_changes_with_the_policy),
        WITH_FILES(other_providers_wait),
        WITH_FILES(keys_and_records_belong_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
