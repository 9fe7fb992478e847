#include "core/bill.h"

const char *const bill_kind_names[BILL_KIND_END] = {[BILL_ORDER] = "order", [BILL_RENEWAL] = "renewal"};

const char *const line_kind_names[LINE_KIND_END] = {
    [LINE_DOMAIN_YEAR] = "domain_year",
    [LINE_DOMAIN_MONTH] = "domain_month",
    [LINE_MAILBOX_MONTH] = "mailbox_month",
};

cents bill_share(cents amount, int64_t part, int64_t n) {
    return amount * (part + 1) / n - amount * part / n;
}
