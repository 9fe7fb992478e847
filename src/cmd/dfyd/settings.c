#include "settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HTTP_THREADS_MAX_DEFAULT = 4, LINE_MAX_BYTES = 4096, URL_BYTES_MAX = 200, PROVIDER_LAST = 3 };

static const char *const level_words[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error", [LOG_OFF] = "off", NULL};

static const char *const no_yes_words[] = {"no", "yes", NULL};
static const char *const off_on[] = {"off", "on", NULL};
static const char *const dns_words[] = {"sandbox", "powerdns", "rfc2136", NULL};
static const char *const mailbox_words[] = {"sandbox", "mailhost", NULL};
static const char *const mta_sts_words[] = {"off", "testing", "enforce", NULL};
static const char *const payment_words[] = {"sandbox", "stripe", NULL};

#define AT(member) offsetof(struct settings, member)

const struct setting_row setting_rows[SETTING_END] = {
    [SETTING_DATA] = {"data", "data", "DFYD_DATA", SETTING_TEXT, AT(data), .value = "DIR",
                      .help = "folder that holds everything (required)", .everywhere = true},
    [SETTING_CONFIG] = {"config", "config", "DFYD_CONFIG", SETTING_TEXT, AT(config), .value = "FILE",
                        .help = "file with settings, one `name = value` a line", .everywhere = true},
    [SETTING_DB] = {"db", "db", "DFYD_DB", SETTING_ENGINE, AT(db), .fallback = "sqlite", .value = "URL",
                    .help = "database; only the embedded one so far", .everywhere = true},
    [SETTING_LISTEN] = {"listen", "listen", "DFYD_LISTEN", SETTING_ADDRESS, AT(listen), .fallback = "127.0.0.1:8025",
                        .value = "ADDRESS:PORT", .help = "where to serve HTTP; port 0 takes a free one"},
    [SETTING_HTTP_THREADS] = {"http_threads", "http-threads", "DFYD_HTTP_THREADS", SETTING_INT, AT(http_threads), 1, 64,
                              .value = "N", .help = "event loops; default: one a core, up to 4"},
    [SETTING_ORDER_THREADS] = {"order_threads", "order-threads", "DFYD_ORDER_THREADS", SETTING_INT, AT(order_threads),
                               1, 256, .fallback = "32", .value = "N",
                               .help = "orders that are placed at the same time"},
    [SETTING_WORKER_THREADS] = {"worker_threads", "worker-threads", "DFYD_WORKER_THREADS", SETTING_INT,
                                AT(worker_threads), 1, 64, .fallback = "4", .value = "N",
                                .help = "provisioning steps that run at the same time"},
    [SETTING_CONNECTIONS] = {"connections", "connections", "DFYD_CONNECTIONS", SETTING_INT, AT(connections), 1, 1000000,
                             .fallback = "10000", .value = "N", .help = "open connections at most"},
    [SETTING_REQUEST_TIMEOUT_MS] = {"request_timeout_ms", "request-timeout-ms", "DFYD_REQUEST_TIMEOUT_MS", SETTING_INT,
                                    AT(request_timeout_ms), 100, 600000, .fallback = "60000", .unit = "milliseconds",
                                    .value = "MS", .help = "how long a client may take to send a request"},
    [SETTING_DRAIN_MS] = {"drain_ms", "drain-ms", "DFYD_DRAIN_MS", SETTING_INT, AT(drain_ms), 0, 600000,
                          .fallback = "30000", .unit = "milliseconds", .value = "MS",
                          .help = "how long requests under way may take to end at SIGTERM"},
    [SETTING_RETRY_BASE_MS] = {"retry_base_ms", "retry-base-ms", "DFYD_RETRY_BASE_MS", SETTING_INT, AT(retry_base_ms),
                               10, 3600000, .fallback = "1000", .unit = "milliseconds", .value = "MS",
                               .help = "wait before the first retry of a step; doubled with each"},
    [SETTING_RETRY_MAX_MS] = {"retry_max_ms", "retry-max-ms", "DFYD_RETRY_MAX_MS", SETTING_INT, AT(retry_max_ms), 10,
                              86400000, .fallback = "3600000", .unit = "milliseconds", .value = "MS",
                              .help = "longest wait between retries"},
    [SETTING_LEASE_MS] = {"lease_ms", "lease-ms", "DFYD_LEASE_MS", SETTING_INT, AT(lease_ms), 1000, 86400000,
                          .fallback = "120000", .unit = "milliseconds", .value = "MS",
                          .help = "how long a worker may be at a step before it is given to another"},
    [SETTING_SWAP_HOURS] = {"swap_hours", "swap-hours", "DFYD_SWAP_HOURS", SETTING_INT, AT(swap_hours), 0, 168,
                            .fallback = "24", .unit = "hours", .value = "N",
                            .help = "how long a domain that cannot be registered may be swapped before its refund goes "
                                    "out"},
    [SETTING_PROVIDERS_OFF] = {"providers_off", "providers-off", "DFYD_PROVIDERS_OFF", SETTING_PROVIDERS,
                               AT(providers_off), .value = "LIST",
                               .help = "providers not sold: 1 Google, 2 AirMail, 3 Microsoft"},
    [SETTING_WEBHOOK_THREADS] = {"webhook_threads", "webhook-threads", "DFYD_WEBHOOK_THREADS", SETTING_INT,
                                 AT(webhook_threads), 1, 64, .fallback = "8", .value = "N",
                                 .help = "webhooks that are delivered to at the same time"},
    [SETTING_WEBHOOK_RETRY_MS] = {"webhook_retry_ms", "webhook-retry-ms", "DFYD_WEBHOOK_RETRY_MS", SETTING_INT,
                                  AT(webhook_retry_ms), 1, 60000, .fallback = "2000", .unit = "milliseconds",
                                  .value = "MS",
                                  .help = "wait before a delivery's second try; later ones grow with it"},
    [SETTING_WEBHOOK_TRIES] = {"webhook_tries", "webhook-tries", "DFYD_WEBHOOK_TRIES", SETTING_INT, AT(webhook_tries),
                               1, 30, .fallback = "9", .value = "N",
                               .help = "failed tries of one delivery after which its webhook is switched off"},
    [SETTING_WEBHOOK_PRIVATE_TARGETS] = {"webhook_private_targets", "webhook-private-targets",
                                         "DFYD_WEBHOOK_PRIVATE_TARGETS", SETTING_WORD, AT(webhook_private_targets),
                                         .words = no_yes_words, .fallback = "no", .value = "YES|NO",
                                         .help = "whether webhooks may reach loopback and private addresses"},
    [SETTING_WEB_ADDRESS] = {"web_address", "web-address", "DFYD_WEB_ADDRESS", SETTING_IPV4, AT(web_address),
                             .fallback = "127.0.0.1", .value = "IPV4",
                             .help = "where the domains' web names point, for forwarding", .drivers = true},
    [SETTING_WEB_ADDRESS6] = {"web_address6", "web-address6", "DFYD_WEB_ADDRESS6", SETTING_IPV6, AT(web_address6),
                              .value = "IPV6", .help = "the same, in IPv6; default: none", .drivers = true},
    [SETTING_EDGE_LISTEN] =
        {
            "edge_listen",
            "edge-listen",
            "DFYD_EDGE_LISTEN",
            SETTING_ADDRESS,
            AT(edge_listen),
            .value = "ADDRESS:PORT",
            .help = "where Caddy asks what to do with a visitor; default: nowhere",
        },
    [SETTING_FORWARDING_PRIVATE_TARGETS] = {"forwarding_private_targets", "forwarding-private-targets",
                                            "DFYD_FORWARDING_PRIVATE_TARGETS", SETTING_WORD,
                                            AT(forwarding_private_targets), .words = no_yes_words, .fallback = "no",
                                            .value = "YES|NO",
                                            .help =
                                                "whether domains may be forwarded to loopback and private addresses"},
    [SETTING_FORWARDING_HTTP_PORT] = {"forwarding_http_port", "forwarding-http-port", "DFYD_FORWARDING_HTTP_PORT",
                                      SETTING_INT, AT(forwarding_http_port), 1, 65535, .fallback = "80", .value = "N",
                                      .help = "where websites shown under another name answer HTTP"},
    [SETTING_FORWARDING_HTTPS_PORT] = {"forwarding_https_port", "forwarding-https-port", "DFYD_FORWARDING_HTTPS_PORT",
                                       SETTING_INT, AT(forwarding_https_port), 1, 65535, .fallback = "443",
                                       .value = "N", .help = "and HTTPS, which is preferred"},
    [SETTING_DNS] = {"dns", "dns", "DFYD_DNS", SETTING_WORD, AT(dns), .value = "DRIVER", .help = "who serves the zones",
                     .words = dns_words, .fallback = "sandbox", .drivers = true},
    [SETTING_DNS_NAMESERVERS] =
        {"dns_nameservers", "dns-nameservers", "DFYD_DNS_NAMESERVERS", SETTING_TEXT, AT(dns_nameservers),
         .value = "NAMES", .help = "host names that domains are delegated to, such as ns1.example.net,ns2.example.net",
         .drivers = true},
    [SETTING_POWERDNS_URL] = {"powerdns_url", "powerdns-url", "DFYD_POWERDNS_URL", SETTING_URL, AT(powerdns_url),
                              .value = "URL", .help = "where PowerDNS's API is", .fallback = "http://127.0.0.1:8081",
                              .drivers = true},
    [SETTING_POWERDNS_KEY_FILE] = {"powerdns_key_file", "powerdns-key-file", "DFYD_POWERDNS_KEY_FILE", SETTING_TEXT,
                                   AT(powerdns_key_file), .value = "FILE",
                                   .help = "holds the key of PowerDNS's API; or say it in DFYD_POWERDNS_KEY",
                                   .drivers = true},
    [SETTING_RFC2136_SERVER] = {"rfc2136_server", "rfc2136-server", "DFYD_RFC2136_SERVER", SETTING_ADDRESS,
                                AT(rfc2136_server), .value = "ADDRESS:PORT",
                                .help = "the primary server that takes updates", .drivers = true},
    [SETTING_RFC2136_KEY_FILE] = {"rfc2136_key_file", "rfc2136-key-file", "DFYD_RFC2136_KEY_FILE", SETTING_TEXT,
                                  AT(rfc2136_key_file), .value = "FILE",
                                  .help = "holds the TSIG key as ALGORITHM:NAME:BASE64; or say it in DFYD_RFC2136_KEY",
                                  .drivers = true},
    [SETTING_RESOLVER] = {"resolver", "resolver", "DFYD_RESOLVER", SETTING_ADDRESS, AT(resolver),
                          .value = "ADDRESS:PORT",
                          .help = "who is asked what the world sees; default: the system's resolver", .drivers = true},
    [SETTING_MAILBOX] = {"mailbox", "mailbox", "DFYD_MAILBOX", SETTING_WORD, AT(mailbox), .value = "DRIVER",
                         .help = "who hosts the mailboxes; mailhost serves provider 2 alone", .words = mailbox_words,
                         .fallback = "sandbox", .drivers = true},
    [SETTING_MAILHOST_DIR] = {"mailhost_dir", "mailhost-dir", "DFYD_MAILHOST_DIR", SETTING_TEXT, AT(mailhost_dir),
                              .value = "DIR",
                              .help =
                                  "folder of the files that the mail host reads; default: mailhost in the data folder",
                              .drivers = true},
    [SETTING_MAILHOST_NAME] = {"mailhost_name", "mailhost-name", "DFYD_MAILHOST_NAME", SETTING_HOST, AT(mailhost_name),
                               .value = "HOST", .help = "host name of the mail host, for MX, IMAP and submission",
                               .drivers = true},
    [SETTING_MAILHOST_SPF] = {"mailhost_spf", "mailhost-spf", "DFYD_MAILHOST_SPF", SETTING_TEXT, AT(mailhost_spf),
                              .value = "TERM",
                              .help = "SPF term that allows the mail host to send; default: a:MAILHOST_NAME",
                              .drivers = true},
    [SETTING_MAILHOST_REPORTS] =
        {"mailhost_reports", "mailhost-reports", "DFYD_MAILHOST_REPORTS", SETTING_TEXT, AT(mailhost_reports),
         .value = "ADDRESS", .help = "mail address that DMARC and TLS reports go to; default: postmaster@MAILHOST_NAME",
         .drivers = true},
    [SETTING_MAILHOST_QUOTA_MB] = {"mailhost_quota_mb", "mailhost-quota-mb", "DFYD_MAILHOST_QUOTA_MB", SETTING_INT,
                                   AT(mailhost_quota_mb), 1, 10000000, .value = "N", .help = "room of a mailbox",
                                   .fallback = "2048", .unit = "MiB", .drivers = true},
    [SETTING_MAILHOST_SENDS_PER_DAY] = {"mailhost_sends_per_day", "mailhost-sends-per-day",
                                        "DFYD_MAILHOST_SENDS_PER_DAY", SETTING_INT, AT(mailhost_sends_per_day), 1,
                                        1000000, .value = "N",
                                        .help = "messages that a mailbox may send a day, counted by recipient",
                                        .fallback = "500", .drivers = true},
    [SETTING_MAILHOST_IMAP] = {"mailhost_imap", "mailhost-imap", "DFYD_MAILHOST_IMAP", SETTING_ADDRESS,
                               AT(mailhost_imap), .value = "ADDRESS:PORT",
                               .help =
                                   "where logins over IMAP with TLS are checked; default: MAILHOST_NAME at port 993",
                               .drivers = true},
    [SETTING_MAILHOST_SUBMISSION] = {"mailhost_submission", "mailhost-submission", "DFYD_MAILHOST_SUBMISSION",
                                     SETTING_ADDRESS, AT(mailhost_submission), .value = "ADDRESS:PORT",
                                     .help = "where submission with TLS is checked; default: MAILHOST_NAME at port 465",
                                     .drivers = true},
    [SETTING_MAILHOST_CA_FILE] = {"mailhost_ca_file", "mailhost-ca-file", "DFYD_MAILHOST_CA_FILE", SETTING_TEXT,
                                  AT(mailhost_ca_file), .value = "FILE",
                                  .help = "certificates that the mail host's is checked with; default: the system's",
                                  .drivers = true},
    [SETTING_MAILHOST_DOVEADM_URL] = {"mailhost_doveadm_url", "mailhost-doveadm-url", "DFYD_MAILHOST_DOVEADM_URL",
                                      SETTING_URL, AT(mailhost_doveadm_url), .value = "URL",
                                      .help = "where Dovecot's doveadm takes commands, to end open sessions",
                                      .drivers = true},
    [SETTING_MAILHOST_DOVEADM_KEY_FILE] = {"mailhost_doveadm_key_file", "mailhost-doveadm-key-file",
                                           "DFYD_MAILHOST_DOVEADM_KEY_FILE", SETTING_TEXT,
                                           AT(mailhost_doveadm_key_file), .value = "FILE",
                                           .help = "holds its API key; or say it in DFYD_MAILHOST_DOVEADM_KEY",
                                           .drivers = true},
    [SETTING_MTA_STS] = {"mta_sts", "mta-sts", "DFYD_MTA_STS", SETTING_WORD, AT(mta_sts), .value = "WORD",
                         .help = "policy for mail that comes in (RFC 8461), served at the edge", .words = mta_sts_words,
                         .fallback = "off", .drivers = true},
    [SETTING_CHECK_HOURS] =
        {
            "check_hours",
            "check-hours",
            "DFYD_CHECK_HOURS",
            SETTING_INT,
            AT(check_hours),
            0,
            8760,
            .value = "N",
            .help = "time between two checks of a domain that is in use; 0: never",
            .fallback = "24",
            .unit = "hours",
        },
    [SETTING_DKIM_DAYS] =
        {
            "dkim_days",
            "dkim-days",
            "DFYD_DKIM_DAYS",
            SETTING_INT,
            AT(dkim_days),
            0,
            3650,
            .value = "N",
            .help = "age at which a domain's DKIM key is changed; 0: never",
            .fallback = "180",
            .unit = "days",
        },
    [SETTING_DKIM_OVERLAP_DAYS] =
        {
            "dkim_overlap_days",
            "dkim-overlap-days",
            "DFYD_DKIM_OVERLAP_DAYS",
            SETTING_INT,
            AT(dkim_overlap_days),
            1,
            60,
            .value = "N",
            .help = "how long the key before stays published, for mail in flight",
            .fallback = "7",
            .unit = "days",
        },
    [SETTING_RATE_LIMIT] = {"rate_limit", "rate-limit", "DFYD_RATE_LIMIT", SETTING_WORD, AT(rate_limit),
                            .words = off_on, .fallback = "on", .value = "WORD",
                            .help = "off: no call is limited, not those with limits of their own either"},
    [SETTING_RATE_PER_SECOND] = {"rate_per_second", "rate-per-second", "DFYD_RATE_PER_SECOND", SETTING_INT,
                                 AT(rate_per_second), 0, 1000000, .fallback = "100", .value = "N",
                                 .help = "requests of a workspace a second; 0: any number"},
    [SETTING_RATE_PER_MINUTE] = {"rate_per_minute", "rate-per-minute", "DFYD_RATE_PER_MINUTE", SETTING_INT,
                                 AT(rate_per_minute), 0, 60000000, .fallback = "6000", .value = "N",
                                 .help = "requests of a workspace a minute; 0: any number"},
    [SETTING_PAYMENT] = {"payment", "payment", "DFYD_PAYMENT", SETTING_WORD, AT(payment), .words = payment_words,
                         .fallback = "sandbox", .value = "DRIVER", .help = "who takes cards", .drivers = true},
    [SETTING_STRIPE_URL] = {"stripe_url", "stripe-url", "DFYD_STRIPE_URL", SETTING_URL, AT(stripe_url),
                            .fallback = "https://api.stripe.com", .value = "URL", .help = "where Stripe's API is",
                            .drivers = true},
    [SETTING_STRIPE_KEY_FILE] = {"stripe_key_file", "stripe-key-file", "DFYD_STRIPE_KEY_FILE", SETTING_TEXT,
                                 AT(stripe_key_file), .value = "FILE",
                                 .help = "holds Stripe's secret key; or say it in DFYD_STRIPE_KEY", .drivers = true},
    [SETTING_STRIPE_WEBHOOK_SECRET_FILE] = {"stripe_webhook_secret_file", "stripe-webhook-secret-file",
                                            "DFYD_STRIPE_WEBHOOK_SECRET_FILE", SETTING_TEXT,
                                            AT(stripe_webhook_secret_file), .value = "FILE",
                                            .help =
                                                "holds what Stripe signs with; or say it in DFYD_STRIPE_WEBHOOK_SECRET",
                                            .drivers = true},
    [SETTING_PUBLIC_URL] = {"public_url", "public-url", "DFYD_PUBLIC_URL", SETTING_URL, AT(public_url), .value = "URL",
                            .help = "where customers reach this server; default: where it listens"},
    [SETTING_CHECKOUT] = {"checkout", "checkout", "DFYD_CHECKOUT", SETTING_WORD, AT(checkout), .words = off_on,
                          .fallback = "off", .value = "WORD",
                          .help = "on: who has no card gets a page of the payment provider's to pay on"},
    [SETTING_CHECKOUT_MINUTES] = {"checkout_minutes", "checkout-minutes", "DFYD_CHECKOUT_MINUTES", SETTING_INT,
                                  AT(checkout_minutes), 1, 1440, .fallback = "30", .unit = "minutes", .value = "N",
                                  .help = "how long that page is open and its names are held"},
    [SETTING_SELLER] = {"seller", "seller", "DFYD_SELLER", SETTING_TEXT, AT(seller), .value = "TEXT",
                        .help = "who sells, on invoices: name, street, city, VAT id"},
    [SETTING_LOG_LEVEL] = {"log_level", "log-level", "DFYD_LOG_LEVEL", SETTING_WORD, AT(log_level),
                           .words = level_words, .fallback = "info", .value = "LEVEL",
                           .help = "least serious events to log, on standard error"},
#ifdef DFYD_TEST_SWITCHES
    [SETTING_CRASH_AT] = {"crash_at", "crash-at", "DFYD_CRASH_AT", SETTING_TEXT, AT(crash_at), .value = "POINT",
                          .help = "SIGKILL itself at this point; for tests"},
    [SETTING_CRASH_AT_COUNT] = {"crash_at_count", "crash-at-count", "DFYD_CRASH_AT_COUNT", SETTING_INT,
                                AT(crash_at_count), 1, 1000000, .fallback = "1", .value = "N",
                                .help = "at the N-th time it gets there; for tests"},
#endif
};

struct str setting_range(const struct setting_row *row, struct arena *arena) {
    switch (row->kind) {
    case SETTING_INT:
        return arena_printf(arena, "a whole number from %lld to %lld%s%s", (long long)row->min, (long long)row->max,
                            row->unit ? " " : "", row->unit ? row->unit : "");
    case SETTING_WORD: {
        struct str text = STR("one of ");
        for (size_t i = 0; row->words[i]; i++)
            text = arena_printf(arena, "%.*s%s%s", STR_ARG(text), i ? ", " : "", row->words[i]);
        return text;
    }
    case SETTING_ADDRESS:
        return STR("a numeric ADDRESS:PORT such as 127.0.0.1:8025 or [::1]:8025, with a port from 0 to 65535");
    case SETTING_IPV4:
        return STR("an IPv4 address such as 192.0.2.10");
    case SETTING_IPV6:
        return STR("an IPv6 address such as 2001:db8::10");
    case SETTING_HOST:
        return STR("a host name such as mx.example.net");
    case SETTING_URL:
        return STR("a URL such as https://mail.example.com, without `?`, `#` or `@`, of at most 200 bytes");
    case SETTING_PROVIDERS:
        return STR("a list of 1, 2 and 3, such as 1,3");
    case SETTING_ENGINE:
        return STR("sqlite; other databases are not built in");
    case SETTING_TEXT:
        break;
    }
    return STR("a text that is not empty");
}

static bool parse_listen(struct str text, struct listen *ret) {
    struct listen listen = {0};
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':') colon--;
    if (!colon) return false;
    struct str host = {text.p, colon - 1}, port = {text.p + colon, text.n - colon};
    int family = AF_INET;
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        family = AF_INET6;
        host = (struct str){host.p + 1, host.n - 2};
    }
    if (host.n >= sizeof listen.host) return false;
    memcpy(listen.host, host.p, host.n);
    unsigned char address[sizeof(struct in6_addr)];
    int64_t number;
    if (inet_pton(family, listen.host, address) != 1 || !str_to_int(port, 0, UINT16_MAX, &number)) return false;
    listen.port = (uint16_t)number;
    *ret = listen;
    return true;
}

/* "1,3"; the empty list is allowed, to put a list in the file out of force. */
static bool parse_providers(struct str list, unsigned *ret) {
    unsigned bits = 0;
    while (list.n) {
        int64_t provider;
        if (!str_to_int(str_trim(str_cut(list, ',', &list)), 1, PROVIDER_LAST, &provider)) return false;
        bits |= 1U << provider;
    }
    *ret = bits;
    return true;
}

/* http or https, a host, and perhaps a port and a path; what is added to it starts with a slash. */
static bool parse_url(struct str text, struct str *ret) {
    static const char *const schemes[] = {"https://", "http://"};
    size_t host = 0;
    for (size_t i = 0; i < ARRAY_LEN(schemes) && !host; i++)
        if (str_starts(text, schemes[i])) host = strlen(schemes[i]);
    while (text.n > host && text.p[text.n - 1] == '/') text.n--;
    if (!host || text.n <= host || text.n > URL_BYTES_MAX || text.p[host] == '/' || text.p[host] == ':') return false;
    for (size_t i = host; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~' || strchr("?#@\"<>\\^`{|}", text.p[i])) return false;
    *ret = text;
    return true;
}

/* Letters, digits and hyphens between dots, at least one of them (RFC 1123 section 2.1); in lower case. */
static bool is_host(struct str text) {
    bool has_dot = false;
    if (text.n > 253) return false;
    while (text.n) {
        struct str label = str_cut(text, '.', &text);
        has_dot |= text.n > 0;
        if (!label.n || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-') return false;
        for (size_t i = 0; i < label.n; i++)
            if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", label.p[i])) return false;
    }
    return has_dot;
}

static bool parse_word(const char *const *words, struct str text, int64_t *ret) {
    for (size_t i = 0; words[i]; i++) {
        if (!str_is(text, words[i])) continue;
        *ret = (int64_t)i;
        return true;
    }
    return false;
}

static bool parse(const struct setting_row *row, struct str text, struct arena *arena, struct settings *to) {
    void *at = (char *)to + row->offset;
    if (memchr(text.p, '\0', text.n)) return false;
    switch (row->kind) {
    case SETTING_INT:
        return str_to_int(text, row->min, row->max, at);
    case SETTING_WORD:
        return parse_word(row->words, text, at);
    case SETTING_ADDRESS:
        return parse_listen(text, at);
    case SETTING_PROVIDERS:
        return parse_providers(text, at);
    case SETTING_IPV4: {
        struct in_addr address;
        if (inet_pton(AF_INET, arena_cstr(arena, text), &address) != 1) return false;
        break;
    }
    case SETTING_IPV6: {
        struct in6_addr address;
        if (inet_pton(AF_INET6, arena_cstr(arena, text), &address) != 1) return false;
        break;
    }
    case SETTING_HOST:
        if (!is_host(text)) return false;
        break;
    case SETTING_URL:
        if (!parse_url(text, &text)) return false;
        break;
    case SETTING_ENGINE:
        if (!text.n || str_is(text, "sqlite"))
            text = STR("sqlite");
        else
            return false;
        break;
    case SETTING_TEXT:
        if (!text.n) return false;
        break;
    }
    *(const char **)at = arena_cstr(arena, text);
    return true;
}

/* WHERE: "--listen", "DFYD_LISTEN" or "dfyd.conf:3: listen". A database URL can hold a password, so it is not echoed.
 */
static bool take(const struct setting_row *row, const char *where, struct str text, struct arena *arena,
                 struct settings *to, struct error *reterr) {
    if (parse(row, text, arena, to)) return true;
    struct str range = setting_range(row, arena);
    if (row->kind == SETTING_ENGINE) return error_set(reterr, ERR_INVALID, "%s must be %.*s", where, STR_ARG(range));
    if (text.n > 60) text.n = 60;
    return error_set(reterr, ERR_INVALID, "%s must be %.*s, not \"%.*s\"", where, STR_ARG(range), STR_ARG(text));
}

static const struct setting_row *row_by_name(struct str name) {
    for (size_t i = 0; i < SETTING_END; i++)
        if (str_is(name, setting_rows[i].name)) return &setting_rows[i];
    return NULL;
}

static struct str without_comment(struct str line) {
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
            return str_trim((struct str){line.p, i});
    return str_trim(line);
}

static bool take_line(struct str line, const char *where, bool seen[SETTING_END], struct arena *arena,
                      struct settings *to, struct error *reterr) {
    line = without_comment(line);
    if (!line.n) return true;
    if (!memchr(line.p, '=', line.n)) return error_set(reterr, ERR_INVALID, "%s: expected `name = value`", where);
    struct str value;
    struct str name = str_trim(str_cut(line, '=', &value));
    const struct setting_row *row = row_by_name(name);
    if (!row) {
        if (name.n > 60) name.n = 60;
        return error_set(reterr, ERR_INVALID, "%s: there is no setting \"%.*s\"; `dfyd serve --help` lists them", where,
                         STR_ARG(name));
    }
    if (row == &setting_rows[SETTING_CONFIG])
        return error_set(reterr, ERR_INVALID, "%s: config cannot be set in a file", where);
    if (seen[row - setting_rows]) return error_set(reterr, ERR_INVALID, "%s: %s is set twice", where, row->name);
    seen[row - setting_rows] = true;
    const char *what = arena_cstr(arena, arena_printf(arena, "%s: %s", where, row->name));
    return take(row, what, str_trim(value), arena, to, reterr);
}

/* One byte more than a line may have tells that it is too long, so an endless one is not read to its end. */
static size_t read_line(FILE *file, char to[LINE_MAX_BYTES + 1]) {
    size_t n = 0;
    int c = 0;
    while (n <= LINE_MAX_BYTES && c != '\n' && (c = getc(file)) != EOF) to[n++] = (char)c;
    return n;
}

static bool take_lines(FILE *file, const char *path, struct arena *arena, struct settings *to, struct error *reterr) {
    bool seen[SETTING_END] = {false};
    char line[LINE_MAX_BYTES + 1];
    size_t n;
    bool ok = true;
    errno = 0;
    for (int number = 1; ok && (n = read_line(file, line)) > 0; number++) {
        const char *where = arena_cstr(arena, arena_printf(arena, "%s:%d", path, number));
        if (n > LINE_MAX_BYTES)
            ok = error_set(reterr, ERR_INVALID, "%s: the line is longer than %d bytes", where, LINE_MAX_BYTES);
        else
            ok = take_line((struct str){line, n}, where, seen, arena, to, reterr);
    }
    if (ok && ferror(file)) ok = error_set(reterr, ERR_INVALID, "%s: %s", path, strerror(errno));
    return ok;
}

static bool take_file(const char *path, struct arena *arena, struct settings *to, struct error *reterr) {
    FILE *file = fopen(path, "re");
    if (!file) return error_set(reterr, ERR_INVALID, "config file %s: %s", path, strerror(errno));
    bool ok = take_lines(file, path, arena, to, reterr);
    fclose(file);
    return ok;
}

static const char *env_of(const struct setting_sources *sources, enum setting setting) {
    const char *value = sources->env ? sources->env(setting_rows[setting].env) : NULL;
    return value && value[0] ? value : NULL;
}

static int64_t cores_up_to(int64_t most) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > most ? most : cores;
}

bool settings_load(const struct setting_sources *sources, struct arena *arena, struct settings *ret,
                   struct error *reterr) {
    struct settings to = {.http_threads = cores_up_to(HTTP_THREADS_MAX_DEFAULT)};
    for (size_t i = 0; i < SETTING_END; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (row->fallback && !take(row, row->name, str_of(row->fallback), arena, &to, reterr)) return false;
    }

    const char *config = sources->flags[SETTING_CONFIG];
    if (!config) config = env_of(sources, SETTING_CONFIG);
    if (config && !take_file(config, arena, &to, reterr)) return false;

    for (size_t i = 0; i < SETTING_END; i++) {
        const struct setting_row *row = &setting_rows[i];
        const char *value = env_of(sources, (enum setting)i);
        if (value && !take(row, row->env, str_of(value), arena, &to, reterr)) return false;
    }
    for (size_t i = 0; i < SETTING_END; i++) {
        const struct setting_row *row = &setting_rows[i];
        const char *value = sources->flags[i];
        if (!value) continue;
        const char *where = arena_cstr(arena, arena_printf(arena, "--%s", row->flag));
        if (!take(row, where, str_of(value), arena, &to, reterr)) return false;
    }

    if (!to.data)
        return error_set(reterr, ERR_INVALID,
                         "data is missing: say --data DIR, DFYD_DATA=DIR, or data = DIR in --config");
    if (to.retry_max_ms < to.retry_base_ms)
        return error_set(reterr, ERR_INVALID, "retry_max_ms (%lld) must not be less than retry_base_ms (%lld)",
                         (long long)to.retry_max_ms, (long long)to.retry_base_ms);
    bool is_sandbox = !strcmp(payment_words[to.payment], "sandbox");
    if (to.checkout && !is_sandbox && !to.public_url)
        return error_set(reterr, ERR_INVALID,
                         "public_url is missing: with checkout on, %s sends customers back to it; say where they reach "
                         "this server",
                         payment_words[to.payment]);
    *ret = to;
    return true;
}
