#include "driver/sandbox_book.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "driver/sandbox_inside.h"

enum { SCHEMA_VERSION = 4 };

static const char schema[] =
    /* Domains, each under the key that registered it; ready_ms lies ahead while the registry is slow. */
    "CREATE TABLE IF NOT EXISTS registrations (name TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, years INTEGER NOT NULL,"
    " nameservers TEXT NOT NULL, ready_ms INTEGER NOT NULL) WITHOUT ROWID;"
    /* The years of names that are registered nowhere here: pre-warmed ones. */
    "CREATE TABLE IF NOT EXISTS pre_warmed_years (name TEXT NOT NULL, key TEXT NOT NULL, years INTEGER NOT NULL,"
    " PRIMARY KEY (name, key)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS zones (zone TEXT PRIMARY KEY) WITHOUT ROWID;"
    /* data: the RRset's values, sorted, each as a netstring. */
    "CREATE TABLE IF NOT EXISTS rrsets (zone TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,"
    " ttl INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (zone, name, type)) WITHOUT ROWID;"
    /* password: a hash in hex. */
    "CREATE TABLE IF NOT EXISTS mailboxes (email TEXT PRIMARY KEY, key TEXT NOT NULL, password TEXT NOT NULL,"
    " first_name TEXT NOT NULL, last_name TEXT NOT NULL, provider INTEGER NOT NULL,"
    " ready_ms INTEGER NOT NULL) WITHOUT ROWID;"
    /* Accounts whose mailbox was removed: no late creation brings it back. */
    "CREATE TABLE IF NOT EXISTS closed_mailboxes (key TEXT PRIMARY KEY) WITHOUT ROWID;"
    /* Of mailboxes that were closed for use once; without a row they may be used. */
    "CREATE TABLE IF NOT EXISTS mailbox_access (key TEXT PRIMARY KEY, is_allowed INTEGER NOT NULL,"
    " change INTEGER NOT NULL) WITHOUT ROWID;"
    /* How far the rotation of a domain's DKIM keys is (enum dkim_phase); without a row: the first key alone. */
    "CREATE TABLE IF NOT EXISTS dkim (domain TEXT PRIMARY KEY, rotation INTEGER NOT NULL, phase INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    /* decline: 0 when the money was taken, else enum decline. */
    "CREATE TABLE IF NOT EXISTS charges (key TEXT PRIMARY KEY, token TEXT NOT NULL, amount INTEGER NOT NULL,"
    " decline INTEGER NOT NULL, description TEXT NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS closed_keys (key TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS refunds (key TEXT PRIMARY KEY, charge_key TEXT NOT NULL, amount INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS refunds_by_charge ON refunds (charge_key);"
    /* Pages to pay on. token: what was paid with; '' until then. */
    "CREATE TABLE IF NOT EXISTS pages (reference TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, workspace_id TEXT NOT "
    "NULL,"
    " description TEXT NOT NULL, token TEXT NOT NULL, return_url TEXT NOT NULL, amount INTEGER NOT NULL,"
    " expires_ms INTEGER NOT NULL, is_closed INTEGER NOT NULL) WITHOUT ROWID;"
    /* What the bank signs its notices with. */
    "CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "INSERT OR IGNORE INTO secrets (name, value) VALUES ('notices', lower(hex(randomblob(32))));"
#ifdef DFYD_TEST_SWITCHES
    "CREATE TABLE IF NOT EXISTS calls (what TEXT NOT NULL, key TEXT NOT NULL, pid INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL);"
#endif
    /* How often a magic word was met, so that "fails twice" stays twice across restarts. */
    "CREATE TABLE IF NOT EXISTS tries (word TEXT NOT NULL, key TEXT NOT NULL, n INTEGER NOT NULL,"
    " PRIMARY KEY (word, key)) WITHOUT ROWID;";

int64_t sandbox_count_try(struct sandbox_book *book, const char *word, struct str key) {
    static const char sql[] = "INSERT INTO tries (word, key, n) VALUES ($1, $2, 1)"
                              " ON CONFLICT (word, key) DO UPDATE SET n = n + 1 RETURNING n";
    return notebook_run(book->notebook, sql, NOTEBOOK_TEXT(str_of(word)), NOTEBOOK_TEXT(key))
               ? notebook_int(book->notebook, 0)
               : 0;
}

int64_t sandbox_tries(struct sandbox_book *book, const char *word, struct str key) {
    static const char sql[] = "SELECT n FROM tries WHERE word = $1 AND key = $2";
    return notebook_run(book->notebook, sql, NOTEBOOK_TEXT(str_of(word)), NOTEBOOK_TEXT(key))
               ? notebook_int(book->notebook, 0)
               : 0;
}

#ifdef DFYD_TEST_SWITCHES
void sandbox_note_call(struct sandbox_book *book, const char *what, struct str key) {
    static const char sql[] = "INSERT INTO calls (what, key, pid, at_ms) VALUES ($1, $2, $3, $4)";
    notebook_run(book->notebook, sql, NOTEBOOK_TEXT(str_of(what)), NOTEBOOK_TEXT(key), NOTEBOOK_INT(getpid()),
                 NOTEBOOK_INT(clock_now(book->clock)));
}
#endif

int64_t sandbox_ready_at(const struct sandbox_book *book, enum magic does) {
    return does == MAGIC_SLOW ? clock_now(book->clock) + SANDBOX_SLOW_MS : 0;
}

enum outcome sandbox_when_ready(const struct sandbox_book *book, int64_t ready_ms, struct answer *answer) {
    if (ready_ms == 0) return OUTCOME_DONE;
    int64_t left = ready_ms - clock_now(book->clock);
    /* Far more than it can be: the clock was set back since, and nobody should wait for it to catch up. */
    if (left <= 0 || left > INT64_C(2) * SANDBOX_SLOW_MS) return OUTCOME_DONE;
    answer->retry_after_ms = left;
    return answer_set(answer, OUTCOME_UNKNOWN, "accepted, not finished yet");
}

void *sandbox_driver_alloc(size_t size) {
    void *driver = malloc(size);
    if (!driver) {
        fputs("dfyd: out of memory\n", stderr);
        abort();
    }
    return driver;
}

static bool load_names(struct sandbox_book *book, struct error *reterr) {
    struct answer answer = {0};
    notebook_begin(book->notebook);
    for (bool row = notebook_run_values(book->notebook, "SELECT name FROM registrations", NULL, 0); row;
         row = notebook_next(book->notebook))
        name_set_add(book->registered, notebook_text(book->notebook, 0));
    if (notebook_end(book->notebook, OUTCOME_DONE, &answer) != OUTCOME_DONE)
        return error_set(reterr, ERR_UNAVAILABLE, "%s", answer.reason);
    return true;
}

bool sandbox_book_open(const char *path, const struct clock *clock, struct sandbox_book **ret, struct error *reterr) {
    if (sodium_init() < 0) return error_set(reterr, ERR_INTERNAL, "libsodium cannot start");
    struct sandbox_book *book = calloc(1, sizeof *book);
    if (!book) return error_set(reterr, ERR_UNAVAILABLE, "no memory left to open %s", path);
    book->clock = clock;
    book->registered = name_set_create();
    static const struct notebook_kind kind = {
        .who = "sandbox",
        .remedy = "move it away to start with an empty sandbox",
        .wait_ms = 5000,
    };
    if (!notebook_open(path, &kind, schema, SCHEMA_VERSION, &book->notebook, reterr) || !load_names(book, reterr)) {
        sandbox_book_close(book);
        return false;
    }
    *ret = book;
    return true;
}

void sandbox_book_close(struct sandbox_book *book) {
    if (!book) return;
    notebook_close(book->notebook);
    name_set_destroy(book->registered);
    free(book);
}

/* The one number that SQL gives; -1 when it cannot be read, since that must not pass for 0. */
static int64_t number(struct sandbox_book *book, const char *sql, const struct notebook_value *values, int n) {
    notebook_begin(book->notebook);
    int64_t value = notebook_run_values(book->notebook, sql, values, n) ? notebook_int(book->notebook, 0) : -1;
    return notebook_end(book->notebook, OUTCOME_DONE, NULL) == OUTCOME_DONE ? value : -1;
}

int64_t sandbox_book_charged_cents(struct sandbox_book *book) {
    return number(book, "SELECT coalesce(sum(amount), 0) FROM charges WHERE decline = 0", NULL, 0);
}

int64_t sandbox_book_charges(struct sandbox_book *book, struct str key) {
    return number(book, "SELECT count(*) FROM charges WHERE key = $1 AND decline = 0", &NOTEBOOK_TEXT(key), 1);
}

int64_t sandbox_book_registrations(struct sandbox_book *book, struct str name) {
    return number(book, "SELECT count(*) FROM registrations WHERE name = $1", &NOTEBOOK_TEXT(name), 1);
}

int64_t sandbox_book_years(struct sandbox_book *book, struct str name) {
    static const char sql[] = "SELECT coalesce(max(years), 0) FROM (SELECT name, years FROM registrations UNION ALL"
                              " SELECT name, years FROM pre_warmed_years) WHERE name = $1";
    return number(book, sql, &NOTEBOOK_TEXT(name), 1);
}
