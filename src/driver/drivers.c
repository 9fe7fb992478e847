#include "driver/drivers.h"

#include <stdio.h>
#include <string.h>

#include "driver/dns/dns.h"
#include "driver/hook/hook.h"
#include "driver/mailbox/mailbox.h"
#include "driver/payment/invoice.h"
#include "driver/payment/payment.h"
#include "driver/registrar/registrar.h"
#include "driver/resolver/resolver.h"
#include "driver/sandbox_book.h"

enum { PATH_BYTES = 4096 };

static struct payment *open_sandbox(const struct drivers_config *config, struct sandbox_book *book,
                                    struct error *reterr) {
    (void)config;
    (void)reterr;
    return payment_sandbox_create(book);
}

static struct payment *open_stripe(const struct drivers_config *config, struct sandbox_book *book,
                                   struct error *reterr) {
    (void)book;
    const char *fault = stripe_config_fault(&config->stripe);
    if (!fault) return payment_stripe_create(&config->stripe);
    error_set(reterr, ERR_INVALID, "payment driver stripe: %s", fault);
    return NULL;
}

/* Who takes cards, one row each. Open returns NULL after it has set the error. */
static const struct {
    const char *name;
    struct payment *(*open)(const struct drivers_config *config, struct sandbox_book *book, struct error *reterr);
} payments[] = {
    {"sandbox", open_sandbox},
    {"stripe", open_stripe},
};

static bool open_payment(const struct drivers_config *config, struct sandbox_book *book, struct payment **ret,
                         struct error *reterr) {
    const char *name = config->payment ? config->payment : "sandbox";
    for (size_t i = 0; i < ARRAY_LEN(payments); i++) {
        if (strcmp(name, payments[i].name) != 0) continue;
        *ret = payments[i].open(config, book, reterr);
        return *ret != NULL;
    }
    return error_set(reterr, ERR_INVALID, "there is no payment driver \"%s\" in this build", name);
}

static struct mailbox *open_sandbox_mailbox(const struct drivers_config *config, const struct drivers *opened,
                                            struct error *reterr) {
    (void)config;
    (void)reterr;
    return mailbox_sandbox_create(opened->book);
}

static struct mailbox *open_mailhost(const struct drivers_config *config, const struct drivers *opened,
                                     struct error *reterr) {
    struct mailhost_config mailhost = config->mailhost;
    struct mailbox *mailbox;
    struct error error;
    mailhost.resolver = opened->resolver;
    if (mailbox_mailhost_open(&mailhost, &mailbox, &error)) return mailbox;
    error_set(reterr, error.code, "mailbox driver mailhost: %s", error.message);
    return NULL;
}

/* Who hosts the mailboxes, as above; book and resolver are open already. */
static const struct {
    const char *name;
    struct mailbox *(*open)(const struct drivers_config *config, const struct drivers *opened, struct error *reterr);
} mailboxes[] = {
    {"sandbox", open_sandbox_mailbox},
    {"mailhost", open_mailhost},
};

static bool open_mailbox(const struct drivers_config *config, struct drivers *opened, struct error *reterr) {
    const char *name = config->mailbox ? config->mailbox : "sandbox";
    for (size_t i = 0; i < ARRAY_LEN(mailboxes); i++) {
        if (strcmp(name, mailboxes[i].name) != 0) continue;
        opened->mailbox = mailboxes[i].open(config, opened, reterr);
        return opened->mailbox != NULL;
    }
    return error_set(reterr, ERR_INVALID, "there is no mailbox driver \"%s\" in this build", name);
}

static struct dns *open_dns_sandbox(const struct drivers_config *config, struct sandbox_book *book,
                                    struct error *reterr) {
    (void)config;
    (void)reterr;
    return dns_sandbox_create(book);
}

static struct dns *open_powerdns(const struct drivers_config *config, struct sandbox_book *book, struct error *reterr) {
    (void)book;
    const char *fault = powerdns_config_fault(&config->powerdns);
    if (!fault) return dns_powerdns_create(&config->powerdns);
    error_set(reterr, ERR_INVALID, "DNS driver powerdns: %s", fault);
    return NULL;
}

static struct dns *open_rfc2136(const struct drivers_config *config, struct sandbox_book *book, struct error *reterr) {
    (void)book;
    const char *fault = rfc2136_config_fault(&config->rfc2136);
    if (!fault) return dns_rfc2136_create(&config->rfc2136);
    error_set(reterr, ERR_INVALID, "DNS driver rfc2136: %s", fault);
    return NULL;
}

/* Who serves the zones, in the same way. */
static const struct {
    const char *name;
    struct dns *(*open)(const struct drivers_config *config, struct sandbox_book *book, struct error *reterr);
} dns_hosts[] = {
    {"sandbox", open_dns_sandbox},
    {"powerdns", open_powerdns},
    {"rfc2136", open_rfc2136},
};

/* NULL after it has set the error. */
static struct dns *open_dns(const struct drivers_config *config, struct sandbox_book *book, struct error *reterr) {
    const char *name = config->dns ? config->dns : "sandbox";
    for (size_t i = 0; i < ARRAY_LEN(dns_hosts); i++)
        if (!strcmp(name, dns_hosts[i].name)) return dns_hosts[i].open(config, book, reterr);
    error_set(reterr, ERR_INVALID, "there is no DNS driver \"%s\" in this build", name);
    return NULL;
}

/* What only the sandbox serves, only the sandbox can resolve. */
static bool open_resolver(const struct drivers_config *config, const struct dns *dns, struct sandbox_book *book,
                          struct resolver **ret, struct error *reterr) {
    if (!dns->ops->is_sandbox) return resolver_stub_open(&config->resolver, ret, reterr);
    *ret = resolver_sandbox_create(book);
    return true;
}

/* Into RET, which is closed as far as it got when this is false. */
static bool open_choices(const struct drivers_config *config, struct drivers *ret, struct error *reterr) {
    if (!open_payment(config, ret->book, &ret->payment, reterr)) return false;
    ret->dns = open_dns(config, ret->book, reterr);
    return ret->dns && open_resolver(config, ret->dns, ret->book, &ret->resolver, reterr) &&
           open_mailbox(config, ret, reterr);
}

bool drivers_open(const struct drivers_config *config, struct drivers *ret, struct error *reterr) {
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s/sandbox.db", config->dir);
    if (n < 0 || (size_t)n >= sizeof path)
        return error_set(reterr, ERR_INVALID, "sandbox drivers: the data directory's path is too long");
    struct sandbox_book *book;
    struct error error;
    if (!sandbox_book_open(path, config->clock, &book, &error))
        return error_set(reterr, error.code, "sandbox drivers: %s", error.message);
    struct drivers drivers = {.book = book};
    if (!open_choices(config, &drivers, reterr)) {
        drivers_close(&drivers);
        return false;
    }
    drivers.registrar = registrar_sandbox_create(book);
    drivers.credit = config->credit ? payment_invoice_create(config->credit) : NULL;
    drivers.hook = hook_curl_create();
    *ret = drivers;
    return true;
}

struct payment *drivers_payment(const struct drivers *drivers, struct str name) {
    if (drivers->payment && str_is(name, drivers->payment->ops->name)) return drivers->payment;
    if (drivers->credit && str_is(name, drivers->credit->ops->name)) return drivers->credit;
    return NULL;
}

const char *drivers_not_sandbox(const struct drivers *drivers) {
    if (!drivers->registrar->ops->is_sandbox) return drivers->registrar->ops->name;
    if (!drivers->dns->ops->is_sandbox) return drivers->dns->ops->name;
    if (!drivers->mailbox->ops->is_sandbox) return drivers->mailbox->ops->name;
    if (!drivers->payment->ops->is_sandbox) return drivers->payment->ops->name;
    return NULL;
}

void drivers_close(struct drivers *drivers) {
    registrar_destroy(drivers->registrar);
    dns_destroy(drivers->dns);
    mailbox_destroy(drivers->mailbox);
    resolver_destroy(drivers->resolver);
    payment_destroy(drivers->payment);
    payment_destroy(drivers->credit);
    hook_destroy(drivers->hook);
    sandbox_book_close(drivers->book);
    *drivers = (struct drivers){0};
}
