#include "core/prices.h"

const struct price_row price_rows[PRICE_END] = {
    [PRICE_DOMAIN_YEAR] = {"domain_year", 1500, "a new domain, a year"},
    [PRICE_GOOGLE_MAILBOX_MONTH] = {"google_mailbox_month", 500, "a Google mailbox, a month"},
    [PRICE_AIRMAIL_MAILBOX_MONTH] = {"airmail_mailbox_month", 400, "an AirMail mailbox, a month"},
    [PRICE_MICROSOFT_MAILBOX_MONTH] = {"microsoft_mailbox_month", 0,
                                       "a Microsoft mailbox, a month, beside its domain's"},
    [PRICE_MICROSOFT_DOMAIN_MONTH] = {"microsoft_domain_month", 2000, "a domain with Microsoft mailboxes, a month"},
    [PRICE_PRE_WARMED_DOMAIN_YEAR] = {"pre_warmed_domain_year", 1500, "a pre-warmed domain, a year"},
    [PRICE_PRE_WARMED_MAILBOX_MONTH] = {"pre_warmed_mailbox_month", 1000, "a pre-warmed mailbox, a month"},
};

struct prices prices_standard(void) {
    struct prices prices;
    for (size_t i = 0; i < PRICE_END; i++) prices.of[i] = price_rows[i].standard;
    return prices;
}

enum price price_by_name(struct str name) {
    for (size_t i = 0; i < PRICE_END; i++)
        if (str_is(name, price_rows[i].name)) return (enum price)i;
    return PRICE_END;
}
