#include "driver/sandbox_magic.h"

#include <string.h>

const char *const magic_place_names[MAGIC_PLACE_END] = {"registrar", "dns", "mailbox", "payment"};

/* clang-format off */
const struct magic_row magic_rows[MAGIC_ROWS] = {
    {MAGIC_REGISTRAR, "taken-", MAGIC_TAKEN, "somebody else has it"},
    {MAGIC_REGISTRAR, "unsure-", MAGIC_UNSURE, "the registrar never says whether it is free"},
    {MAGIC_REGISTRAR, "snatched-", MAGIC_SNATCHED, "free when ordered, then taken by somebody else"},
    {MAGIC_REGISTRAR, "refused-", MAGIC_REFUSED, "the registry does not accept the registrant"},
    {MAGIC_REGISTRAR, "slow-", MAGIC_SLOW, "registered 3 seconds later"},
    {MAGIC_REGISTRAR, "flaky-", MAGIC_FLAKY, "registering fails twice, then works"},
    {MAGIC_REGISTRAR, "silent-", MAGIC_SILENT, "registering never answers"},
    {MAGIC_REGISTRAR, "lost-", MAGIC_LOST, "registered, but the first answer is lost"},
    {MAGIC_DNS, "nodns-", MAGIC_REFUSED, "the DNS host refuses the zone"},
    {MAGIC_DNS, "noweb-", MAGIC_NO_WEB, "the DNS host refuses A records, so no forwarding"},
    {MAGIC_DNS, "flakydns-", MAGIC_FLAKY, "publishing fails twice, then works"},
    {MAGIC_DNS, "silentdns-", MAGIC_SILENT, "publishing never answers"},
    {MAGIC_MAILBOX, "refused", MAGIC_REFUSED, "the mail host refuses the address"},
    {MAGIC_MAILBOX, "slow", MAGIC_SLOW, "made 3 seconds later"},
    {MAGIC_MAILBOX, "flaky", MAGIC_FLAKY, "making it fails twice, then works"},
    {MAGIC_MAILBOX, "silent", MAGIC_SILENT, "making it never answers"},
    {MAGIC_MAILBOX, "lost", MAGIC_LOST, "made, but the first answer is lost"},
    {MAGIC_PAYMENT, "tok_visa", MAGIC_NONE, "works", "visa", "4242", DECLINE_NONE},
    {MAGIC_PAYMENT, "tok_mastercard", MAGIC_NONE, "works", "mastercard", "4444", DECLINE_NONE},
    {MAGIC_PAYMENT, "tok_amex", MAGIC_NONE, "works", "amex", "0005", DECLINE_NONE},
    {MAGIC_PAYMENT, "tok_declined", MAGIC_NONE, "declined", "visa", "0002", DECLINE_GENERIC},
    {MAGIC_PAYMENT, "tok_expired", MAGIC_NONE, "declined: expired", "visa", "0069", DECLINE_CARD_EXPIRED},
    {MAGIC_PAYMENT, "tok_authenticate", MAGIC_NONE, "declined: the bank wants to see the cardholder",
     "visa", "3155", DECLINE_AUTHENTICATION_REQUIRED},
    {MAGIC_PAYMENT, "tok_unsupported", MAGIC_NONE, "declined: this kind of card is not taken",
     "unionpay", "0000", DECLINE_METHOD_NOT_SUPPORTED},
    {MAGIC_PAYMENT, "tok_lost", MAGIC_LOST, "charged, but the first answer is lost", "visa", "0101", DECLINE_NONE},
    {MAGIC_PAYMENT, "tok_dropped", MAGIC_DROPPED, "not charged, and not answered", "visa", "0119", DECLINE_NONE},
    {MAGIC_PAYMENT, "tok_silent", MAGIC_SILENT, "not charged, and no answer until asked the fourth time",
     "visa", "0127", DECLINE_NONE},
    {MAGIC_PAYMENT, "tok_flaky", MAGIC_FLAKY, "the first try does nothing and is not answered, the second works",
     "visa", "0135", DECLINE_NONE},
};
/* clang-format on */

/* Whether REST, what follows the word, lets it count as the word. */
static bool word_ends(enum magic_place place, struct str rest) {
    switch (place) {
    case MAGIC_PAYMENT:
        return rest.n == 0;
    case MAGIC_MAILBOX:
        return rest.n == 0 || rest.p[0] == '@' || rest.p[0] == '.' || rest.p[0] == '-' || rest.p[0] == '_';
    default: /* domain words bring their hyphen with them */
        return true;
    }
}

const struct magic_row *magic_find(enum magic_place place, struct str subject) {
    if (subject.n == 0) return NULL;
    for (size_t i = 0; i < MAGIC_ROWS; i++) {
        const struct magic_row *row = &magic_rows[i];
        /* The first letter decides nearly always: this is asked of every name of every order. */
        if (row->place != place || row->word[0] != subject.p[0] || !str_starts(subject, row->word)) continue;
        size_t n = strlen(row->word);
        if (word_ends(place, (struct str){subject.p + n, subject.n - n})) return row;
    }
    return NULL;
}

enum magic magic_of(enum magic_place place, struct str subject) {
    const struct magic_row *row = magic_find(place, subject);
    return row ? row->does : MAGIC_NONE;
}
