/* The sandbox's mail host: addresses with a hashed password, at hosts below sandbox.test that take no mail. */
#include "driver/mailbox/mailbox.h"

#include <sodium.h>
#include <stdlib.h>

#include "driver/sandbox_inside.h"

enum { HASH = 32, HASH_TEXT = HASH * 2 + 1 };

struct sandbox {
    struct mailbox base;
    struct sandbox_book *book;
};

static struct sandbox_book *book_of(struct mailbox *m) {
    return ((struct sandbox *)m)->book;
}

struct host {
    const char *mx;
    int preference;
    const char *spf;
};

static const struct host hosts[PROVIDER_END] = {
    [PROVIDER_GOOGLE] = {"mx.google.sandbox.test", 1, "include:_spf.google.sandbox.test"},
    [PROVIDER_AIRMAIL] = {"mx.airmail.sandbox.test", 10, "include:_spf.airmail.sandbox.test"},
    [PROVIDER_MICROSOFT] = {"mx.microsoft.sandbox.test", 0, "include:spf.microsoft.sandbox.test"},
};

/* A genuine Ed25519 key (RFC 8463 section 4) that is always the same for a domain and rotation. */
static struct dkim_record dkim_record(struct str domain, int64_t rotation, struct arena *arena) {
    static const unsigned char context[] = "dfyd sandbox DKIM";
    unsigned char seed[crypto_sign_SEEDBYTES], secret[crypto_sign_SECRETKEYBYTES], open[crypto_sign_PUBLICKEYBYTES];
    struct str of = rotation == 1 ? domain : arena_printf(arena, "%.*s/%lld", STR_ARG(domain), (long long)rotation);
    crypto_generichash(seed, sizeof seed, (const unsigned char *)of.p, of.n, context, sizeof context - 1);
    crypto_sign_seed_keypair(open, secret, seed);
    char text[sodium_base64_ENCODED_LEN(sizeof open, sodium_base64_VARIANT_ORIGINAL)];
    sodium_bin2base64(text, sizeof text, open, sizeof open, sodium_base64_VARIANT_ORIGINAL);
    return (struct dkim_record){
        .selector = arena_printf(arena, "dfy%lld", (long long)rotation),
        .value = arena_printf(arena, "v=DKIM1; k=ed25519; p=%s", text),
    };
}

static enum outcome mail_facts(struct mailbox *m, struct str domain, enum provider provider, struct arena *arena,
                               struct mail_facts *ret, struct answer *answer) {
    struct sandbox_book *book = book_of(m);
    notebook_begin(book->notebook);
    int64_t rotation = 1;
    enum dkim_phase phase = DKIM_SOLE;
    if (notebook_run(book->notebook, "SELECT rotation, phase FROM dkim WHERE domain = $1", NOTEBOOK_TEXT(domain))) {
        rotation = notebook_int(book->notebook, 0);
        phase = (enum dkim_phase)notebook_int(book->notebook, 1);
    }
    if (notebook_end(book->notebook, OUTCOME_DONE, answer) != OUTCOME_DONE) return OUTCOME_UNKNOWN;
    *ret = (struct mail_facts){
        .mx_host = str_of(hosts[provider].mx),
        .mx_preference = hosts[provider].preference,
        .spf_term = str_of(hosts[provider].spf),
        .dkim = ARENA_ARRAY(arena, 2, struct dkim_record),
    };
    if (phase != DKIM_SOLE) ret->dkim[ret->n_dkim++] = dkim_record(domain, rotation - 1, arena);
    ret->dkim[ret->n_dkim++] = dkim_record(domain, rotation, arena);
    return OUTCOME_DONE;
}

static enum outcome set_dkim(struct mailbox *m, const struct mailbox_dkim *move, struct answer *answer) {
    static const char sql[] =
        "INSERT INTO dkim (domain, rotation, phase) VALUES ($1, $2, $3) ON CONFLICT (domain) DO UPDATE SET"
        " rotation = excluded.rotation, phase = excluded.phase"
        " WHERE excluded.rotation > rotation OR (excluded.rotation = rotation AND excluded.phase > phase)";
    struct sandbox_book *book = book_of(m);
    notebook_begin(book->notebook);
    notebook_run(book->notebook, sql, NOTEBOOK_TEXT(move->domain), NOTEBOOK_INT(move->rotation),
                 NOTEBOOK_INT(move->phase));
    return notebook_end(book->notebook, OUTCOME_DONE, answer);
}

/* What is kept of a password: hex of BLAKE2b over address, NUL and password. */
static void password_hash(struct str email, struct str password, char ret_text[HASH_TEXT]) {
    unsigned char hash[HASH];
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof hash);
    crypto_generichash_update(&state, (const unsigned char *)email.p, email.n);
    crypto_generichash_update(&state, (const unsigned char *)"", 1);
    crypto_generichash_update(&state, (const unsigned char *)password.p, password.n);
    crypto_generichash_final(&state, hash, sizeof hash);
    sodium_bin2hex(ret_text, HASH_TEXT, hash, sizeof hash);
}

static enum outcome lookup_address(struct sandbox_book *book, struct str email, struct str key, struct answer *answer) {
    if (!notebook_run(book->notebook, "SELECT key, ready_ms FROM mailboxes WHERE email = $1", NOTEBOOK_TEXT(email)))
        return answer_set(answer, OUTCOME_REFUSED, "no such mailbox");
    if (!str_eq(notebook_text(book->notebook, 0), key))
        return answer_set(answer, OUTCOME_REFUSED, "the mailbox was made for another account");
    return sandbox_when_ready(book, notebook_int(book->notebook, 1), answer);
}

static enum outcome lookup(struct mailbox *m, struct str email, struct str key, struct answer *answer) {
    struct sandbox_book *book = book_of(m);
    notebook_begin(book->notebook);
    return notebook_end(book->notebook, lookup_address(book, email, key, answer), answer);
}

/* Makes the mailbox or takes it over. */
static void put_mailbox(struct sandbox_book *book, const struct mailbox_create *job, int64_t ready_ms) {
    static const char sql[] =
        "INSERT INTO mailboxes (email, key, password, first_name, last_name, provider, ready_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email) DO UPDATE SET key = excluded.key,"
        " password = excluded.password, first_name = excluded.first_name, last_name = excluded.last_name,"
        " provider = excluded.provider, ready_ms = excluded.ready_ms";
    char hash[HASH_TEXT];
    password_hash(job->email, job->password, hash);
    notebook_run(book->notebook, sql, NOTEBOOK_TEXT(job->email), NOTEBOOK_TEXT(job->key), NOTEBOOK_TEXT(str_of(hash)),
                 NOTEBOOK_TEXT(job->first_name), NOTEBOOK_TEXT(job->last_name), NOTEBOOK_INT(job->provider),
                 NOTEBOOK_INT(ready_ms));
}

static enum outcome create_address(struct sandbox_book *book, const struct mailbox_create *job, struct answer *answer) {
    if (notebook_run(book->notebook, "SELECT 1 FROM closed_mailboxes WHERE key = $1", NOTEBOOK_TEXT(job->key)))
        return answer_set(answer, OUTCOME_REFUSED, "the mailbox was removed");
    if (notebook_run(book->notebook, "SELECT ready_ms FROM mailboxes WHERE email = $1 AND key = $2",
                     NOTEBOOK_TEXT(job->email), NOTEBOOK_TEXT(job->key))) {
        int64_t ready_ms = notebook_int(book->notebook, 0);
        put_mailbox(book, job, ready_ms); /* the newest password counts */
        return sandbox_when_ready(book, ready_ms, answer);
    }
    const struct magic_row *row = magic_find(MAGIC_MAILBOX, job->email);
    const enum magic magic = row ? row->does : MAGIC_NONE;
    switch (magic) {
    case MAGIC_REFUSED:
        return answer_set(answer, OUTCOME_REFUSED, "the mail host does not take this address");
    case MAGIC_SILENT:
        return answer_set(answer, OUTCOME_UNKNOWN, "the mail host did not answer");
    case MAGIC_FLAKY:
        if (sandbox_count_try(book, row->word, job->key) <= SANDBOX_FLAKY_TRIES)
            return answer_set(answer, OUTCOME_UNKNOWN, "the connection to the mail host broke");
        break;
    default:
        break;
    }
    int64_t ready_ms = sandbox_ready_at(book, magic);
    put_mailbox(book, job, ready_ms);
    if (magic == MAGIC_LOST) return answer_set(answer, OUTCOME_UNKNOWN, "the mail host's answer was lost");
    return sandbox_when_ready(book, ready_ms, answer);
}

static enum outcome create(struct mailbox *m, const struct mailbox_create *job, struct answer *answer) {
    struct sandbox_book *book = book_of(m);
    notebook_begin(book->notebook);
    sandbox_note_call(book, "mailbox", job->key);
    return notebook_end(book->notebook, create_address(book, job, answer), answer);
}

static enum outcome remove_address(struct sandbox_book *book, struct str email, struct str key, struct answer *answer) {
    const struct magic_row *row = magic_find(MAGIC_MAILBOX, email);
    if (row && row->does == MAGIC_STUCK && sandbox_count_try(book, row->word, key) <= SANDBOX_FLAKY_TRIES)
        return answer_set(answer, OUTCOME_UNKNOWN, "the connection to the mail host broke");
    notebook_run(book->notebook, "DELETE FROM mailboxes WHERE email = $1 AND key = $2", NOTEBOOK_TEXT(email),
                 NOTEBOOK_TEXT(key));
    notebook_run(book->notebook, "INSERT OR IGNORE INTO closed_mailboxes (key) VALUES ($1)", NOTEBOOK_TEXT(key));
    return OUTCOME_DONE;
}

static enum outcome remove_mailbox(struct mailbox *m, struct str email, struct str key, struct answer *answer) {
    struct sandbox_book *book = book_of(m);
    notebook_begin(book->notebook);
    return notebook_end(book->notebook, remove_address(book, email, key, answer), answer);
}

static enum outcome set_access(struct mailbox *m, const struct mailbox_access *job, struct answer *answer) {
    static const char sql[] =
        "INSERT INTO mailbox_access (key, is_allowed, change) VALUES ($1, $2, $3) ON CONFLICT (key)"
        " DO UPDATE SET is_allowed = excluded.is_allowed, change = excluded.change"
        " WHERE excluded.change > change";
    struct sandbox_book *book = book_of(m);
    notebook_begin(book->notebook);
    notebook_run(book->notebook, sql, NOTEBOOK_TEXT(job->key), NOTEBOOK_INT(job->is_allowed),
                 NOTEBOOK_INT(job->change));
    return notebook_end(book->notebook, OUTCOME_DONE, answer);
}

bool sandbox_book_has_mailbox(struct sandbox_book *book, struct str email, struct str password) {
    static const char sql[] = "SELECT password, ready_ms FROM mailboxes m WHERE email = $1"
                              " AND NOT EXISTS (SELECT 1 FROM mailbox_access a WHERE a.key = m.key AND is_allowed = 0)";
    char hash[HASH_TEXT];
    password_hash(email, password, hash);
    struct answer answer;
    notebook_begin(book->notebook);
    bool has = notebook_run(book->notebook, sql, NOTEBOOK_TEXT(email)) &&
               str_is(notebook_text(book->notebook, 0), hash) &&
               sandbox_when_ready(book, notebook_int(book->notebook, 1), &answer) == OUTCOME_DONE;
    return notebook_commit(book->notebook, NULL) && has;
}

static enum outcome verify(struct mailbox *m, const struct mailbox_login *login, struct answer *answer) {
    static const char sql[] = "SELECT password, ready_ms FROM mailboxes WHERE email = $1 AND key = $2";
    static const char access[] = "SELECT 1 FROM mailbox_access WHERE key = $1 AND is_allowed = 0";
    struct sandbox_book *book = book_of(m);
    char hash[HASH_TEXT];
    password_hash(login->email, login->password, hash);
    notebook_begin(book->notebook);
    enum outcome outcome;
    if (!notebook_run(book->notebook, sql, NOTEBOOK_TEXT(login->email), NOTEBOOK_TEXT(login->key)) ||
        !str_is(notebook_text(book->notebook, 0), hash))
        outcome = answer_set(answer, OUTCOME_REFUSED, "the mail host does not let it log in");
    else
        outcome = sandbox_when_ready(book, notebook_int(book->notebook, 1), answer);
    if (notebook_run(book->notebook, access, NOTEBOOK_TEXT(login->key)))
        outcome = answer_set(answer, OUTCOME_REFUSED, "the mailbox is closed for use");
    return notebook_end(book->notebook, outcome, answer);
}

static void destroy(struct mailbox *m) {
    free(m);
}

static const struct mailbox_ops ops = {
    .name = "sandbox",
    .is_sandbox = true,
    .providers = 1 << PROVIDER_GOOGLE | 1 << PROVIDER_AIRMAIL | 1 << PROVIDER_MICROSOFT,
    .mail_facts = mail_facts,
    .lookup = lookup,
    .create = create,
    .remove = remove_mailbox,
    .set_access = set_access,
    .verify = verify,
    .set_dkim = set_dkim,
    .destroy = destroy,
};

struct mailbox *mailbox_sandbox_create(struct sandbox_book *book) {
    struct sandbox *sandbox = sandbox_driver_alloc(sizeof *sandbox);
    *sandbox = (struct sandbox){.base = {.ops = &ops}, .book = book};
    return &sandbox->base;
}
