/* The sandbox's pages and notices. A page belongs to one key; what was paid on it stands among the charges. */
#include "driver/payment/sandbox_checkout.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "driver/payment/sandbox_bank.h"

enum { MAC_BYTES = crypto_auth_hmacsha256_BYTES, MAC_HEX = 2 * MAC_BYTES + 1, SECOND_MS = 1000 };

const char sandbox_signature_header[] = "X-Sandbox-Signature";

/* A row of the pages; text from an arena. */
struct page {
    struct str reference, key, workspace_id, description, token, return_url;
    cents amount;
    int64_t expires_ms;
    bool is_closed;
};

/* ---- inside a transaction ---- */

#define PAGE_COLUMNS                                                                                                   \
    "SELECT reference, key, workspace_id, description, token, return_url, amount, expires_ms, is_closed FROM pages "

static void read_page(struct notebook *notebook, struct arena *arena, struct page *ret) {
    *ret = (struct page){
        .reference = arena_str(arena, notebook_text(notebook, 0)),
        .key = arena_str(arena, notebook_text(notebook, 1)),
        .workspace_id = arena_str(arena, notebook_text(notebook, 2)),
        .description = arena_str(arena, notebook_text(notebook, 3)),
        .token = arena_str(arena, notebook_text(notebook, 4)),
        .return_url = arena_str(arena, notebook_text(notebook, 5)),
        .amount = notebook_int(notebook, 6),
        .expires_ms = notebook_int(notebook, 7),
        .is_closed = notebook_int(notebook, 8) != 0,
    };
}

static bool find_page(struct sandbox_book *book, struct str reference, struct arena *arena, struct page *ret) {
    static const char sql[] = PAGE_COLUMNS "WHERE reference = $1";
    bool found = notebook_run(book->notebook, sql, NOTEBOOK_TEXT(reference));
    if (found) read_page(book->notebook, arena, ret);
    return found;
}

static bool find_page_of(struct sandbox_book *book, struct str key, struct arena *arena, struct page *ret) {
    static const char sql[] = PAGE_COLUMNS "WHERE key = $1";
    bool found = notebook_run(book->notebook, sql, NOTEBOOK_TEXT(key));
    if (found) read_page(book->notebook, arena, ret);
    return found;
}

static enum sandbox_page_state state_of(const struct sandbox_book *book, const struct page *page) {
    if (page->token.n) return SANDBOX_PAGE_PAID;
    return page->is_closed || clock_now(book->clock) >= page->expires_ms ? SANDBOX_PAGE_CLOSED : SANDBOX_PAGE_OPEN;
}

/* The bank's secret as hex; empty when it cannot be read. */
static struct str secret_of(struct sandbox_book *book, struct arena *arena) {
    static const char sql[] = "SELECT value FROM secrets WHERE name = 'notices'";
    if (!notebook_run_values(book->notebook, sql, NULL, 0)) return STR("");
    return arena_str(arena, notebook_text(book->notebook, 0));
}

static void mac_of(struct str secret, struct str first, struct str second, char ret_hex[MAC_HEX]) {
    unsigned char mac[MAC_BYTES];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret.p, secret.n);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)first.p, first.n);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)second.p, second.n);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2hex(ret_hex, MAC_HEX, mac, sizeof mac);
}

/* Nobody can guess it, and it is the same each time. */
static struct str make_reference(struct sandbox_book *book, struct str key, struct arena *arena) {
    char hex[MAC_HEX];
    mac_of(secret_of(book, arena), STR("page "), key, hex);
    return arena_printf(arena, "cs_sandbox_%.32s", hex);
}

/* Ends it for good; also when its time has passed, so that no clock that goes back opens it again. */
static void close_page(struct sandbox_book *book, const struct page *page) {
    notebook_run(book->notebook, "UPDATE pages SET is_closed = 1 WHERE reference = $1", NOTEBOOK_TEXT(page->reference));
    sandbox_bank_close(book, page->key);
}

/* ---- the driver's slots ---- */

static enum outcome open_page(struct sandbox_book *book, const struct payment_checkout *job, struct arena *arena,
                              struct checkout_page *ret, struct answer *answer) {
    const struct payment_charge *charge = &job->charge;
    struct page page;
    if (!find_page_of(book, charge->key, arena, &page)) {
        static const char used[] = "SELECT 1 FROM charges WHERE key = $1";
        if (sandbox_bank_is_closed(book, charge->key) || notebook_run(book->notebook, used, NOTEBOOK_TEXT(charge->key)))
            return answer_set(answer, OUTCOME_REFUSED, "this key is closed or was used for a charge");
        if (charge->amount <= 0 || charge->amount > CENTS_MAX)
            return answer_set(answer, OUTCOME_REFUSED, "the amount is out of range");
        static const char sql[] = "INSERT INTO pages (reference, key, workspace_id, description, token, return_url,"
                                  " amount, expires_ms, is_closed) VALUES ($1, $2, $3, $4, '', $5, $6, $7, 0)";
        page = (struct page){.reference = make_reference(book, charge->key, arena), .amount = charge->amount};
        notebook_run(book->notebook, sql, NOTEBOOK_TEXT(page.reference), NOTEBOOK_TEXT(charge->key),
                     NOTEBOOK_TEXT(charge->workspace_id), NOTEBOOK_TEXT(charge->description),
                     NOTEBOOK_TEXT(job->success_url), NOTEBOOK_INT(charge->amount), NOTEBOOK_INT(job->expires_ms));
    }
    if (page.amount != charge->amount)
        return answer_set(answer, OUTCOME_REFUSED, "this key was used with another amount");
    snprintf(ret->reference, sizeof ret->reference, "%.*s", STR_ARG(page.reference));
    snprintf(ret->url, sizeof ret->url, SANDBOX_CHECKOUT_PATH "%.*s", STR_ARG(page.reference));
    return OUTCOME_DONE;
}

enum outcome sandbox_checkout_open(struct payment *p, const struct payment_checkout *job, struct checkout_page *ret,
                                   struct answer *answer) {
    struct sandbox_book *book = sandbox_bank_book(p);
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    notebook_begin(book->notebook);
    return notebook_end(book->notebook, open_page(book, job, arena, ret, answer), answer);
}

static void tell_card(const struct page *page, struct card_facts *ret) {
    const struct magic_row *row = magic_find(MAGIC_PAYMENT, page->token);
    *ret = (struct card_facts){.name = "Sandbox Card"};
    if (!row) return;
    snprintf(ret->brand, sizeof ret->brand, "%s", row->brand);
    snprintf(ret->last4, sizeof ret->last4, "%s", row->last4);
    snprintf(ret->token, sizeof ret->token, "%s", row->word);
}

static enum outcome look_at(struct payment *p, const struct payment_charge *job, struct str reference, bool closes,
                            struct card_facts *ret_card, struct payment_answer *answer) {
    struct sandbox_book *book = sandbox_bank_book(p);
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    enum outcome outcome = OUTCOME_UNKNOWN;
    struct page page;
    notebook_begin(book->notebook);
    bool found = reference.n ? find_page(book, reference, arena, &page) && str_eq(page.key, job->key)
                             : find_page_of(book, job->key, arena, &page);
    if (!found) {
        if (closes) sandbox_bank_close(book, job->key);
        outcome = sandbox_bank_refuse(DECLINE_GENERIC, "there is no such page", answer);
    } else if (page.token.n) {
        outcome = OUTCOME_DONE;
        tell_card(&page, ret_card);
    } else if (closes || state_of(book, &page) == SANDBOX_PAGE_CLOSED) {
        close_page(book, &page);
        outcome = sandbox_bank_refuse(DECLINE_GENERIC, "the page was closed unpaid", answer);
    } else {
        outcome = answer_set(&answer->answer, OUTCOME_UNKNOWN, "the page is open and not paid yet");
    }
    return notebook_end(book->notebook, outcome, &answer->answer);
}

enum outcome sandbox_checkout_look(struct payment *p, const struct payment_charge *job, struct str reference,
                                   struct card_facts *ret_card, struct payment_answer *answer) {
    return look_at(p, job, reference, false, ret_card, answer);
}

enum outcome sandbox_checkout_close(struct payment *p, const struct payment_charge *job, struct str reference,
                                    struct card_facts *ret_card, struct payment_answer *answer) {
    return look_at(p, job, reference, true, ret_card, answer);
}

/* ---- notices ---- */

/* Splits "t=SECONDS,v1=HEX"; *ret_t is the text that was signed. */
static bool split_signature(struct str header, struct str *ret_t, int64_t *ret_seconds, struct str *ret_mac) {
    struct str rest, t = str_cut(header, ',', &rest);
    if (!str_starts(t, "t=") || !str_starts(rest, "v1=")) return false;
    *ret_t = (struct str){t.p + 2, t.n - 2};
    *ret_mac = (struct str){rest.p + 3, rest.n - 3};
    return ret_mac->n == MAC_HEX - 1 && str_to_int(*ret_t, 0, INT64_MAX / SECOND_MS, ret_seconds);
}

static enum outcome read_notice(struct sandbox_book *book, struct str signature, struct str body, int64_t now_ms,
                                struct arena *arena, struct payment_event *ret, struct answer *answer) {
    struct str t, mac, secret = secret_of(book, arena);
    int64_t seconds;
    char expected[MAC_HEX];
    if (!secret.n || !split_signature(signature, &t, &seconds, &mac))
        return answer_set(answer, OUTCOME_REFUSED, "%s is missing or malformed", sandbox_signature_header);
    mac_of(secret, arena_printf(arena, "%.*s.", STR_ARG(t)), body, expected);
    if (sodium_memcmp(expected, mac.p, mac.n) != 0)
        return answer_set(answer, OUTCOME_REFUSED, "the signature is not the sandbox's");
    int64_t age_ms = now_ms - seconds * SECOND_MS, most = INT64_C(60000) * SANDBOX_NOTICE_MINUTES;
    if (age_ms > most || age_ms < -most)
        return answer_set(answer, OUTCOME_REFUSED, "the notice is more than %d minutes old or ahead",
                          SANDBOX_NOTICE_MINUTES);
    static const char sql[] = "SELECT json_extract($1, '$.id'), json_extract($1, '$.key') WHERE json_valid($1)";
    if (!notebook_run(book->notebook, sql, NOTEBOOK_TEXT(body)))
        return answer_set(answer, OUTCOME_REFUSED, "the notice is not JSON");
    struct str id = notebook_text(book->notebook, 0), key = notebook_text(book->notebook, 1);
    if (id.n >= sizeof ret->id || key.n >= sizeof ret->key)
        return answer_set(answer, OUTCOME_REFUSED, "the notice's id or key is too long");
    snprintf(ret->id, sizeof ret->id, "%.*s", STR_ARG(id));
    snprintf(ret->key, sizeof ret->key, "%.*s", STR_ARG(key));
    return OUTCOME_DONE;
}

enum outcome sandbox_checkout_event(struct payment *p, payment_header_fn *header, void *arg, struct str body,
                                    int64_t now_ms, struct payment_event *ret, struct answer *answer) {
    struct sandbox_book *book = sandbox_bank_book(p);
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct str signature = header(arg, sandbox_signature_header);
    notebook_begin(book->notebook);
    return notebook_end(book->notebook, read_notice(book, signature, body, now_ms, arena, ret, answer), answer);
}

enum outcome sandbox_notice_make(struct sandbox_book *book, struct str reference, struct sandbox_notice *ret,
                                 struct answer *answer) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct page page;
    notebook_begin(book->notebook);
    bool found = find_page(book, reference, arena, &page);
    struct str secret = secret_of(book, arena);
    enum sandbox_page_state state = found ? state_of(book, &page) : SANDBOX_PAGE_CLOSED;
    enum outcome outcome = notebook_end(book->notebook, OUTCOME_DONE, answer);
    if (outcome != OUTCOME_DONE) return outcome;
    if (!found) return answer_set(answer, OUTCOME_REFUSED, "there is no such page");

    static const char *const types[] = {"checkout.opened", "checkout.paid", "checkout.expired"};
    char hex[MAC_HEX];
    mac_of(secret, str_of(types[state]), page.key, hex);
    long long seconds = (long long)(clock_now(book->clock) / SECOND_MS);
    snprintf(ret->body, sizeof ret->body, "{\"id\":\"evt_%.32s\",\"type\":\"%s\",\"key\":\"%.*s\",\"created\":%lld}",
             hex, types[state], STR_ARG(page.key), seconds);
    struct str signed_from = arena_printf(arena, "%lld.", seconds);
    mac_of(secret, signed_from, str_of(ret->body), hex);
    snprintf(ret->signature, sizeof ret->signature, "t=%lld,v1=%s", seconds, hex);
    return OUTCOME_DONE;
}

/* ---- the page ---- */

enum outcome sandbox_page_get(struct sandbox_book *book, struct str reference, struct arena *arena,
                              struct sandbox_page *ret, struct answer *answer) {
    struct page page;
    notebook_begin(book->notebook);
    bool found = find_page(book, reference, arena, &page);
    enum outcome outcome = notebook_end(book->notebook, OUTCOME_DONE, answer);
    if (outcome != OUTCOME_DONE) return outcome;
    if (!found) return answer_set(answer, OUTCOME_REFUSED, "there is no such page");
    *ret = (struct sandbox_page){state_of(book, &page), page.amount, page.description, page.return_url};
    return OUTCOME_DONE;
}

static enum outcome pay(struct sandbox_book *book, struct str reference, struct str token, struct arena *arena,
                        struct payment_answer *answer) {
    struct page page;
    if (!find_page(book, reference, arena, &page))
        return sandbox_bank_refuse(DECLINE_GENERIC, "there is no such page", answer);
    if (page.token.n) return OUTCOME_DONE;
    if (state_of(book, &page) == SANDBOX_PAGE_CLOSED)
        return sandbox_bank_refuse(DECLINE_GENERIC, "this page is closed: nothing can be paid here any more", answer);
    const struct magic_row *row = magic_find(MAGIC_PAYMENT, token);
    if (!row) return sandbox_bank_refuse(DECLINE_GENERIC, "no such card", answer);
    enum decline decline = sandbox_bank_decline(book, row, page.workspace_id);
    if (decline) return sandbox_bank_refuse(decline, sandbox_bank_reasons[decline], answer);
    const struct payment_charge charge = {
        .key = page.key, .token = token, .amount = page.amount, .description = page.description};
    sandbox_bank_add(book, &charge, DECLINE_NONE);
    notebook_run(book->notebook, "UPDATE pages SET token = $1 WHERE reference = $2", NOTEBOOK_TEXT(token),
                 NOTEBOOK_TEXT(reference));
    return OUTCOME_DONE;
}

enum outcome sandbox_page_pay(struct sandbox_book *book, struct str reference, struct str token,
                              struct payment_answer *answer) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    *answer = (struct payment_answer){0};
    notebook_begin(book->notebook);
    return notebook_end(book->notebook, pay(book, reference, token, arena, answer), &answer->answer);
}
