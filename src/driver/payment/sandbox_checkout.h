/*
 * sandbox_checkout: the page on which customers pay in the sandbox, as whoever serves it sees it, and the notice that
 * the sandbox's bank sends of a payment, signed as a real provider's would be.
 */
#pragma once

#include "base/arena.h"
#include "driver/payment/payment.h"
#include "driver/sandbox_book.h"

/* The page's path on this server, and after it the reference. */
#define SANDBOX_CHECKOUT_PATH "/sandbox/checkout/"

enum sandbox_page_state { SANDBOX_PAGE_OPEN, SANDBOX_PAGE_PAID, SANDBOX_PAGE_CLOSED };

struct sandbox_page {
    enum sandbox_page_state state;
    cents amount;
    struct str description, return_url;
};

/* REFUSED: there is no such page; UNKNOWN: the book cannot be read now. Text from ARENA. */
enum outcome sandbox_page_get(struct sandbox_book *book, struct str reference, struct arena *arena,
                              struct sandbox_page *ret, struct answer *answer);
/* Pays with the card TOKEN. DONE: it is paid, now or before. REFUSED: the card was declined, or the page is closed. */
enum outcome sandbox_page_pay(struct sandbox_book *book, struct str reference, struct str token,
                              struct payment_answer *answer);

enum { SANDBOX_SIGNATURE_BYTES = 96, SANDBOX_NOTICE_MINUTES = 5 };
extern const char sandbox_signature_header[]; /* "X-Sandbox-Signature" */

struct sandbox_notice {
    char body[256];                          /* JSON */
    char signature[SANDBOX_SIGNATURE_BYTES]; /* t=SECONDS,v1=HEX: HMAC-SHA256 over "SECONDS.BODY" */
};

/* What the bank says of a page, now. REFUSED: there is no such page. */
enum outcome sandbox_notice_make(struct sandbox_book *book, struct str reference, struct sandbox_notice *ret,
                                 struct answer *answer);
