/* The sandbox's registrar. Names begin with a magic word or are registered at once. */
#include "driver/registrar/registrar.h"

#include <stdlib.h>

#include "base/buf.h"
#include "driver/sandbox_inside.h"

enum { NAMESERVERS_MAX = 4096 }; /* bytes of all their names */

struct sandbox {
    struct registrar base;
    struct sandbox_book *book;
};

static struct sandbox_book *book_of(struct registrar *r) {
    return ((struct sandbox *)r)->book;
}

/* Every simulated order comes by here: neither lock nor notebook. A name shows as taken once its create was answered.
 */
static enum outcome check(struct registrar *r, const struct str *names, size_t n, bool *ret_taken,
                          struct answer *answer) {
    const struct sandbox_book *book = book_of(r);
    for (size_t i = 0; i < n; i++) {
        enum magic magic = magic_of(MAGIC_REGISTRAR, names[i]);
        if (magic == MAGIC_UNSURE)
            return answer_set(answer, OUTCOME_UNKNOWN, "no answer whether %.*s is free", STR_ARG(names[i]));
        ret_taken[i] = magic == MAGIC_TAKEN || name_set_has(book->registered, names[i]);
    }
    return OUTCOME_DONE;
}

enum held { HELD_BY_NOBODY, HELD_BY_KEY, HELD_BY_OTHER };

/* Who holds NAME, and from when on. */
static enum held holder(struct sandbox_book *book, struct str name, struct str key, int64_t *ret_ready_ms) {
    if (!notebook_run(book->notebook, "SELECT key, ready_ms FROM registrations WHERE name = $1", NOTEBOOK_TEXT(name)))
        return HELD_BY_NOBODY;
    *ret_ready_ms = notebook_int(book->notebook, 1);
    return str_eq(notebook_text(book->notebook, 0), key) ? HELD_BY_KEY : HELD_BY_OTHER;
}

static enum outcome lookup_name(struct sandbox_book *book, struct str name, struct str key, struct answer *answer) {
    int64_t ready_ms = 0;
    switch (holder(book, name, key, &ready_ms)) {
    case HELD_BY_KEY:
        return sandbox_when_ready(book, ready_ms, answer);
    case HELD_BY_OTHER:
        return answer_set(answer, OUTCOME_REFUSED, "registered by somebody else");
    case HELD_BY_NOBODY:
        break;
    }
    return answer_set(answer, OUTCOME_REFUSED, "not registered");
}

static enum outcome lookup(struct registrar *r, struct str name, struct str key, struct answer *answer) {
    struct sandbox_book *book = book_of(r);
    notebook_begin(book->notebook);
    return notebook_end(book->notebook, lookup_name(book, name, key, answer), answer);
}

static void add_registration(struct sandbox_book *book, const struct registrar_create *job, int64_t ready_ms) {
    static const char sql[] =
        "INSERT INTO registrations (name, key, years, nameservers, ready_ms) VALUES ($1, $2, $3, $4, $5)";
    struct buf servers;
    buf_init(&servers, NAMESERVERS_MAX);
    for (size_t i = 0; i < job->n_nameservers; i++) {
        if (i) buf_add_byte(&servers, ' ');
        buf_add(&servers, job->nameservers[i]);
    }
    notebook_run(book->notebook, sql, NOTEBOOK_TEXT(job->name), NOTEBOOK_TEXT(job->key), NOTEBOOK_INT(job->years),
                 NOTEBOOK_TEXT(buf_str(&servers)), NOTEBOOK_INT(ready_ms));
    buf_finish(&servers);
}

/* *ret_held: somebody holds the name now. */
static enum outcome create_name(struct sandbox_book *book, const struct registrar_create *job, bool *ret_held,
                                struct answer *answer) {
    int64_t ready_ms = 0;
    enum held held = holder(book, job->name, job->key, &ready_ms);
    *ret_held = held != HELD_BY_NOBODY;
    if (held == HELD_BY_KEY) return sandbox_when_ready(book, ready_ms, answer);
    if (held == HELD_BY_OTHER) return answer_set(answer, OUTCOME_REFUSED, "taken: registered by somebody else");
    if (notebook_run(book->notebook, "SELECT name FROM registrations WHERE key = $1", NOTEBOOK_TEXT(job->key)))
        return answer_set(answer, OUTCOME_REFUSED, "this key registered another name: %.*s",
                          STR_ARG(notebook_text(book->notebook, 0)));

    const struct magic_row *row = magic_find(MAGIC_REGISTRAR, job->name);
    const enum magic magic = row ? row->does : MAGIC_NONE;
    switch (magic) {
    case MAGIC_TAKEN:
    case MAGIC_SNATCHED:
        return answer_set(answer, OUTCOME_REFUSED, "taken by somebody else meanwhile");
    case MAGIC_REFUSED:
        return answer_set(answer, OUTCOME_REFUSED, "the registry does not accept the registrant");
    case MAGIC_SILENT:
        return answer_set(answer, OUTCOME_UNKNOWN, "the registrar did not answer");
    case MAGIC_FLAKY:
        if (sandbox_count_try(book, row->word, job->key) <= SANDBOX_FLAKY_TRIES)
            return answer_set(answer, OUTCOME_UNKNOWN, "the connection to the registrar broke");
        break;
    default:
        break;
    }
    ready_ms = sandbox_ready_at(book, magic);
    add_registration(book, job, ready_ms);
    *ret_held = true;
    if (magic == MAGIC_LOST) return answer_set(answer, OUTCOME_UNKNOWN, "the registrar's answer was lost");
    return sandbox_when_ready(book, ready_ms, answer);
}

static enum outcome create(struct registrar *r, const struct registrar_create *job, struct answer *answer) {
    struct sandbox_book *book = book_of(r);
    bool held;
    notebook_begin(book->notebook);
    sandbox_note_call(book, "register", job->key);
    enum outcome outcome = create_name(book, job, &held, answer);
    if (!notebook_commit(book->notebook, answer)) return OUTCOME_UNKNOWN;
    if (held) name_set_add(book->registered, job->name);
    return outcome;
}

static enum outcome renew_name(struct sandbox_book *book, const struct registrar_renew *job, struct answer *answer) {
    int64_t ready_ms = 0;
    enum held held = holder(book, job->name, job->key, &ready_ms);
    if (held == HELD_BY_OTHER) return answer_set(answer, OUTCOME_REFUSED, "registered by somebody else");
    if (held == HELD_BY_NOBODY && !job->is_pre_warmed) return answer_set(answer, OUTCOME_REFUSED, "not registered");
    if (magic_of(MAGIC_REGISTRAR, job->name) == MAGIC_NO_RENEW)
        return answer_set(answer, OUTCOME_REFUSED, "the registry does not renew this name");
    /* Where a pre-warmed name is registered is not in this book; its years are. */
    static const char ours[] = "UPDATE registrations SET years = max(years, $1) WHERE name = $2";
    static const char pre_warmed[] = "INSERT INTO pre_warmed_years (name, key, years) VALUES ($1, $2, $3)"
                                     " ON CONFLICT (name, key) DO UPDATE SET years = max(years, excluded.years)";
    if (held == HELD_BY_KEY)
        notebook_run(book->notebook, ours, NOTEBOOK_INT(job->years), NOTEBOOK_TEXT(job->name));
    else
        notebook_run(book->notebook, pre_warmed, NOTEBOOK_TEXT(job->name), NOTEBOOK_TEXT(job->key),
                     NOTEBOOK_INT(job->years));
    return OUTCOME_DONE;
}

static enum outcome renew(struct registrar *r, const struct registrar_renew *job, struct answer *answer) {
    struct sandbox_book *book = book_of(r);
    notebook_begin(book->notebook);
    return notebook_end(book->notebook, renew_name(book, job, answer), answer);
}

static void destroy(struct registrar *r) {
    free(r);
}

static const struct registrar_ops ops = {
    .name = "sandbox",
    .is_sandbox = true,
    .check_is_instant = true,
    .check = check,
    .lookup = lookup,
    .create = create,
    .renew = renew,
    .destroy = destroy,
};

struct registrar *registrar_sandbox_create(struct sandbox_book *book) {
    struct sandbox *sandbox = sandbox_driver_alloc(sizeof *sandbox);
    *sandbox = (struct sandbox){.base = {.ops = &ops}, .book = book};
    return &sandbox->base;
}
