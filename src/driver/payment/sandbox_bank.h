/* sandbox_bank: what the two files of the sandbox's bank share. Nobody else includes it. */
#pragma once

#include "driver/payment/payment.h"
#include "driver/sandbox_inside.h"

struct sandbox_book *sandbox_bank_book(struct payment *p);

/* The next four inside a transaction of the book. */
/* What a new charge of the card comes to; DECLINE_NONE: it works. Counts it where a card remembers. */
enum decline sandbox_bank_decline(struct sandbox_book *book, const struct magic_row *card, struct str workspace_id);
/* Writes a charge down. DECLINE_NONE: the money is taken. */
void sandbox_bank_add(struct sandbox_book *book, const struct payment_charge *job, enum decline decline);
/* Whether KEY was closed: nothing is charged under it any more. */
bool sandbox_bank_is_closed(struct sandbox_book *book, struct str key);
void sandbox_bank_close(struct sandbox_book *book, struct str key);

/* For people. */
extern const char *const sandbox_bank_reasons[DECLINE_END];
/* REFUSED, with the decline's word. */
enum outcome sandbox_bank_refuse(enum decline decline, const char *reason, struct payment_answer *answer);

/* The slots of hosted checkout. */
enum outcome sandbox_checkout_open(struct payment *, const struct payment_checkout *, struct checkout_page *ret,
                                   struct answer *);
enum outcome sandbox_checkout_look(struct payment *, const struct payment_charge *, struct str reference,
                                   struct card_facts *ret_card, struct payment_answer *);
enum outcome sandbox_checkout_close(struct payment *, const struct payment_charge *, struct str reference,
                                    struct card_facts *ret_card, struct payment_answer *);
enum outcome sandbox_checkout_event(struct payment *, payment_header_fn *header, void *arg, struct str body,
                                    int64_t now_ms, struct payment_event *ret, struct answer *);
