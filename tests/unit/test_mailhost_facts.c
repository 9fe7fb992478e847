/* The mail host's driver: settings and files that it does not take, what it says of a domain, its keys. */
#include "mailhost_fixture.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>

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
        WITH_FILES(settings_that_are_missing_are_named),    WITH_FILES(a_lost_file_is_not_made_anew),
        WITH_FILES(folders_that_cannot_be_are_named),       WITH_FILES(facts_follow_the_settings),
        WITH_FILES(the_policys_id_changes_with_the_policy), WITH_FILES(other_providers_wait),
        WITH_FILES(keys_and_records_belong_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
