#include "driver/sandbox_magic.h"

#include <string.h>

const char *const magic_place_names[MAGIC_PLACE_END] = {"registrar", "dns", "mailbox", "payment"};

/* clang-format off */
const struct magic_row magic_rows[MAGIC_ROWS] = {
    {MAGIC_REGISTRAR, MAGIC_TAKEN, "taken-", "somebody else has it"},
    {MAGIC_REGISTRAR, MAGIC_UNSURE, "unsure-", "the registrar never says whether it is free"},
    {MAGIC_REGISTRAR, MAGIC_SNATCHED, "snatched-", "free when ordered, then taken by somebody else"},
    {MAGIC_REGISTRAR, MAGIC_REFUSED, "refused-", "the registry does not accept the registrant"},
    {MAGIC_REGISTRAR, MAGIC_SLOW, "slow-", "registered 3 seconds later"},
    {MAGIC_REGISTRAR, MAGIC_FLAKY, "flaky-", "registering fails twice, then works"},
    {MAGIC_REGISTRAR, MAGIC_SILENT, "silent-", "registering never answers"},
    {MAGIC_REGISTRAR, MAGIC_LOST, "lost-", "registered, but the first answer is lost"},
    {MAGIC_REGISTRAR, MAGIC_NO_RENEW, "norenew-", "registered, but the registry does not renew it"},
    {MAGIC_DNS, MAGIC_REFUSED, "nodns-", "the DNS host refuses the zone"},
    {MAGIC_DNS, MAGIC_NO_WEB, "noweb-", "the DNS host refuses A records, so no forwarding"},
    {MAGIC_DNS, MAGIC_FLAKY, "flakydns-", "publishing fails twice, then works"},
    {MAGIC_DNS, MAGIC_SILENT, "silentdns-", "publishing never answers"},
    {MAGIC_DNS, MAGIC_FLAKY_WEB, "flakyweb-", "changing A records fails twice, then works"},
    {MAGIC_MAILBOX, MAGIC_REFUSED, "refused", "the mail host refuses the address"},
    {MAGIC_MAILBOX, MAGIC_SLOW, "slow", "made 3 seconds later"},
    {MAGIC_MAILBOX, MAGIC_FLAKY, "flaky", "making it fails twice, then works"},
    {MAGIC_MAILBOX, MAGIC_SILENT, "silent", "making it never answers"},
    {MAGIC_MAILBOX, MAGIC_LOST, "lost", "made, but the first answer is lost"},
    {MAGIC_MAILBOX, MAGIC_STUCK, "stuck", "removing it fails twice, then works"},
    {MAGIC_PAYMENT, MAGIC_NONE, "tok_visa", "works", "visa", "4242", DECLINE_NONE},
    {MAGIC_PAYMENT, MAGIC_NONE, "tok_mastercard", "works", "mastercard", "4444", DECLINE_NONE},
    {MAGIC_PAYMENT, MAGIC_NONE, "tok_amex", "works", "amex", "0005", DECLINE_NONE},
    {MAGIC_PAYMENT, MAGIC_NONE, "tok_declined", "declined", "visa", "0002", DECLINE_GENERIC},
    {MAGIC_PAYMENT, MAGIC_NONE, "tok_expired", "declined: expired", "visa", "0069", DECLINE_CARD_EXPIRED},
    {MAGIC_PAYMENT, MAGIC_NONE, "tok_authenticate", "declined: the bank wants to see the cardholder",
     "visa", "3155", DECLINE_AUTHENTICATION_REQUIRED},
    {MAGIC_PAYMENT, MAGIC_NONE, "tok_unsupported", "declined: this kind of card is not taken",
     "unionpay", "0000", DECLINE_METHOD_NOT_SUPPORTED},
    {MAGIC_PAYMENT, MAGIC_LOST, "tok_lost", "charged, but the first answer is lost", "visa", "0101", DECLINE_NONE},
    {MAGIC_PAYMENT, MAGIC_DROPPED, "tok_dropped", "not charged, and not answered", "visa", "0119", DECLINE_NONE},
    {MAGIC_PAYMENT, MAGIC_SILENT, "tok_silent", "not charged, and no answer until asked the fourth time",
     "visa", "0127", DECLINE_NONE},
    {MAGIC_PAYMENT, MAGIC_FLAKY, "tok_flaky", "the first try does nothing and is not answered, the second works",
     "visa", "0135", DECLINE_NONE},
    {MAGIC_PAYMENT, MAGIC_NO_REFUND, "tok_norefund", "works, but its refunds are refused", "visa", "0143", DECLINE_NONE},
    {MAGIC_PAYMENT, MAGIC_LOST_BACK, "tok_lostrefund", "works; of a refund, the first answer is lost",
     "visa", "0150", DECLINE_NONE},
    {MAGIC_PAYMENT, MAGIC_ONCE, "tok_renewal_declined", "a workspace's first charge works, later ones are declined",
     "visa", "0341", DECLINE_NONE},
    {MAGIC_PAYMENT, MAGIC_NOT_TWICE, "tok_renewal_flaky", "a workspace's second charge is declined, the others work",
     "visa", "0358", DECLINE_NONE},
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
        if (row->place > place) break; /* the rows stand by place */
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
