#include "driver/drivers.h"

#include <stdio.h>

#include "driver/dns/dns.h"
#include "driver/hook/hook.h"
#include "driver/mailbox/mailbox.h"
#include "driver/payment/payment.h"
#include "driver/registrar/registrar.h"
#include "driver/sandbox_book.h"

enum { PATH_BYTES = 4096 };

bool drivers_open(const char *dir, const struct clock *clock, struct drivers *ret, struct error *reterr) {
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s/sandbox.db", dir);
    if (n < 0 || (size_t)n >= sizeof path)
        return error_set(reterr, ERR_INVALID, "sandbox drivers: the data directory's path is too long");
    struct sandbox_book *book;
    struct error error;
    if (!sandbox_book_open(path, clock, &book, &error))
        return error_set(reterr, error.code, "sandbox drivers: %s", error.message);
    *ret = (struct drivers){
        .registrar = registrar_sandbox_create(book),
        .dns = dns_sandbox_create(book),
        .mailbox = mailbox_sandbox_create(book),
        .payment = payment_sandbox_create(book),
        .hook = hook_curl_create(),
        .book = book,
    };
    return true;
}

struct payment *drivers_payment(const struct drivers *drivers, struct str name) {
    if (drivers->payment && str_is(name, drivers->payment->ops->name)) return drivers->payment;
    if (drivers->credit && str_is(name, drivers->credit->ops->name)) return drivers->credit;
    return NULL;
}

void drivers_close(struct drivers *drivers) {
    registrar_destroy(drivers->registrar);
    dns_destroy(drivers->dns);
    mailbox_destroy(drivers->mailbox);
    payment_destroy(drivers->payment);
    payment_destroy(drivers->credit);
    hook_destroy(drivers->hook);
    sandbox_book_close(drivers->book);
    *drivers = (struct drivers){0};
}
