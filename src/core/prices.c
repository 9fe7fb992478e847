#include "core/prices.h"

enum { SHOWN_MAX = 40 }; /* bytes of what was wrong */

const struct price_row price_rows[PRICE_END] = {
    [PRICE_DOMAIN_YEAR] = {"domain_year", 1500, "a new domain, a year"},
    [PRICE_GOOGLE_MAILBOX_MONTH] = {"google_mailbox_month", 500, "a Google mailbox, a month"},
    [PRICE_AIRMAIL_MAILBOX_MONTH] = {"airmail_mailbox_month", 400, "an AirMail mailbox, a month"},
    [PRICE_MICROSOFT_MAILBOX_MONTH] = {"microsoft_mailbox_month", 0,
                                       "a Microsoft mailbox, a month, beside its domain's"},
    [PRICE_MICROSOFT_DOMAIN_MONTH] = {"microsoft_domain_month", 2000, "a domain with Microsoft mailboxes, a month"},
    [PRICE_EXTRA_GOOGLE_MAILBOX_MONTH] = {"extra_google_mailbox_month", 0, "a Google mailbox on a domain of before",
                                          .follows = true, .followed = PRICE_GOOGLE_MAILBOX_MONTH},
    [PRICE_EXTRA_AIRMAIL_MAILBOX_MONTH] = {"extra_airmail_mailbox_month", 0, "an AirMail mailbox on a domain of before",
                                           .follows = true, .followed = PRICE_AIRMAIL_MAILBOX_MONTH},
    [PRICE_PRE_WARMED_DOMAIN_YEAR] = {"pre_warmed_domain_year", 1500, "a pre-warmed domain, a year"},
    [PRICE_PRE_WARMED_MAILBOX_MONTH] = {"pre_warmed_mailbox_month", 1000, "a pre-warmed mailbox, a month"},
    [PRICE_PRE_WARMED_GOOGLE_MAILBOX_MONTH] = {"pre_warmed_google_mailbox_month", 0, "a pre-warmed one of Google",
                                               .follows = true, .followed = PRICE_PRE_WARMED_MAILBOX_MONTH},
    [PRICE_PRE_WARMED_AIRMAIL_MAILBOX_MONTH] = {"pre_warmed_airmail_mailbox_month", 0, "a pre-warmed one of AirMail",
                                                .follows = true, .followed = PRICE_PRE_WARMED_MAILBOX_MONTH},
    [PRICE_PRE_WARMED_MICROSOFT_MAILBOX_MONTH] = {"pre_warmed_microsoft_mailbox_month", 0,
                                                  "a pre-warmed one of Microsoft", .follows = true,
                                                  .followed = PRICE_PRE_WARMED_MAILBOX_MONTH},
};

struct prices prices_standard(void) {
    static const struct price_settings nothing;
    return prices_resolve(&nothing);
}

enum price price_by_name(struct str name) {
    for (size_t i = 0; i < PRICE_END; i++)
        if (str_is(name, price_rows[i].name)) return (enum price)i;
    return PRICE_END;
}

static cents resolve(const struct price_settings *settings, enum price price) {
    if (settings->workspace[price].is_set) return settings->workspace[price].amount;
    if (settings->everyone[price].is_set) return settings->everyone[price].amount;
    const struct price_row *row = &price_rows[price];
    return row->follows ? resolve(settings, row->followed) : row->standard;
}

struct prices prices_resolve(const struct price_settings *settings) {
    struct prices prices = {.version = 0};
    for (int price = 0; price < PRICE_END; price++) prices.of[price] = resolve(settings, (enum price)price);
    return prices;
}

bool price_read_amount(struct str text, const char *dashes, cents *ret, struct error *reterr) {
    if (money_parse(text, ret)) return true;
    return error_set(reterr, ERR_INVALID,
                     "%samount must be US dollars, the one currency there is, from 0 to %lld, such as 4.50; not"
                     " \"%.*s\"",
                     dashes, (long long)(CENTS_MAX / 100), text.n > SHOWN_MAX ? SHOWN_MAX : (int)text.n, text.p);
}
