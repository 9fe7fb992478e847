/*
 * settings: what can be set, one row each: the flag, the environment variable and the line in the configuration file
 * are the same setting, read by the same rule. A flag wins over the environment, the environment over the file, the
 * file over the default. Help and error messages are made from the rows.
 * Touches nothing but the configuration file.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"

/* A numeric address and a port. */
struct listen {
    char host[46]; /* INET6_ADDRSTRLEN; without brackets */
    uint16_t port; /* 0: one that is free */
};

/* What setting_rows point into, with the defaults filled in. Texts are from the arena or from the caller. */
struct settings {
    const char *data, *config;
    const char *db; /* "sqlite", or a URL for libpq */
    int64_t db_connections, db_wait_ms;
    const char *db_listen_url; /* NULL: db */
    int64_t worker;            /* 1: `serve` works, too */
    const char *node_name;     /* NULL: the host's name */
    struct listen listen;
    const char *web_address;            /* IPv4 */
    const char *web_address6;           /* IPv6; NULL: none */
    struct listen edge_listen;          /* host empty: the edge is not served */
    int64_t forwarding_private_targets; /* 0 no, 1 yes */
    int64_t forwarding_http_port, forwarding_https_port;
    int64_t http_threads, order_threads, worker_threads, connections, streams;
    int64_t request_timeout_ms, drain_ms;
    int64_t retry_base_ms, retry_max_ms, lease_ms;
    int64_t swap_hours;
    int64_t webhook_threads, webhook_retry_ms, webhook_tries;
    int64_t webhook_private_targets; /* 0 no, 1 yes */
    unsigned providers_off;          /* bit 1 << provider */
    int64_t rate_limit;              /* 1: calls are limited */
    int64_t rate_per_second, rate_per_minute;
    int64_t payment; /* index into the words of its row, which are names of payment drivers */
    const char *stripe_url, *stripe_key_file, *stripe_webhook_secret_file; /* the files may be NULL */
    /* Indexes into the words of their rows, which are names of drivers. */
    int64_t dns, mailbox;
    const char *dns_nameservers; /* host names, between spaces or commas; NULL: none */
    const char *powerdns_url, *powerdns_key_file;
    struct listen rfc2136_server; /* host empty: none */
    const char *rfc2136_key_file; /* may be NULL */
    struct listen resolver;       /* host empty: the system's */
    const char *mailhost_dir;     /* NULL: mailhost in the data folder */
    const char *mailhost_name;    /* its host name; NULL: none */
    const char *mailhost_spf;     /* NULL: a:NAME */
    const char *mailhost_reports; /* mail address; NULL: postmaster@NAME */
    int64_t mailhost_quota_mb, mailhost_sends_per_day;
    struct listen mailhost_imap, mailhost_submission;             /* host empty: NAME at ports 993 and 465 */
    const char *mailhost_ca_file;                                 /* NULL: the system's */
    const char *mailhost_doveadm_url, *mailhost_doveadm_key_file; /* may be NULL */
    int64_t mta_sts; /* index into its row's words: off, testing, enforce */
    int64_t check_hours, dkim_days, dkim_overlap_days;
    const char *public_url; /* NULL: where it listens */
    const char *web_dir;    /* NULL: the console's files are those in the program */
    int64_t session_hours;
    int64_t checkout; /* 1: on */
    int64_t checkout_minutes;
    const char *seller;   /* on invoices; NULL: nothing */
    int64_t log_level;    /* enum log_level */
    const char *crash_at; /* only set in builds with test switches, as the next */
    int64_t crash_at_count;
};

enum setting {
    SETTING_DATA,
    SETTING_CONFIG,
    SETTING_DB,
    SETTING_DB_CONNECTIONS,
    SETTING_DB_WAIT_MS,
    SETTING_DB_LISTEN_URL,
    SETTING_WORKER,
    SETTING_NODE_NAME,
    SETTING_LISTEN,
    SETTING_HTTP_THREADS,
    SETTING_ORDER_THREADS,
    SETTING_WORKER_THREADS,
    SETTING_CONNECTIONS,
    SETTING_STREAMS,
    SETTING_REQUEST_TIMEOUT_MS,
    SETTING_DRAIN_MS,
    SETTING_RETRY_BASE_MS,
    SETTING_RETRY_MAX_MS,
    SETTING_LEASE_MS,
    SETTING_SWAP_HOURS,
    SETTING_PROVIDERS_OFF,
    SETTING_WEBHOOK_THREADS,
    SETTING_WEBHOOK_RETRY_MS,
    SETTING_WEBHOOK_TRIES,
    SETTING_WEBHOOK_PRIVATE_TARGETS,
    SETTING_WEB_ADDRESS,
    SETTING_WEB_ADDRESS6,
    SETTING_EDGE_LISTEN,
    SETTING_FORWARDING_PRIVATE_TARGETS,
    SETTING_FORWARDING_HTTP_PORT,
    SETTING_FORWARDING_HTTPS_PORT,
    SETTING_DNS,
    SETTING_DNS_NAMESERVERS,
    SETTING_POWERDNS_URL,
    SETTING_POWERDNS_KEY_FILE,
    SETTING_RFC2136_SERVER,
    SETTING_RFC2136_KEY_FILE,
    SETTING_RESOLVER,
    SETTING_MAILBOX,
    SETTING_MAILHOST_DIR,
    SETTING_MAILHOST_NAME,
    SETTING_MAILHOST_SPF,
    SETTING_MAILHOST_REPORTS,
    SETTING_MAILHOST_QUOTA_MB,
    SETTING_MAILHOST_SENDS_PER_DAY,
    SETTING_MAILHOST_IMAP,
    SETTING_MAILHOST_SUBMISSION,
    SETTING_MAILHOST_CA_FILE,
    SETTING_MAILHOST_DOVEADM_URL,
    SETTING_MAILHOST_DOVEADM_KEY_FILE,
    SETTING_MTA_STS,
    SETTING_CHECK_HOURS,
    SETTING_DKIM_DAYS,
    SETTING_DKIM_OVERLAP_DAYS,
    SETTING_RATE_LIMIT,
    SETTING_RATE_PER_SECOND,
    SETTING_RATE_PER_MINUTE,
    SETTING_PAYMENT,
    SETTING_STRIPE_URL,
    SETTING_STRIPE_KEY_FILE,
    SETTING_STRIPE_WEBHOOK_SECRET_FILE,
    SETTING_PUBLIC_URL,
    SETTING_SESSION_HOURS,
    SETTING_WEB_DIR,
    SETTING_CHECKOUT,
    SETTING_CHECKOUT_MINUTES,
    SETTING_SELLER,
    SETTING_LOG_LEVEL,
#ifdef DFYD_TEST_SWITCHES
    SETTING_CRASH_AT,
    SETTING_CRASH_AT_COUNT,
#endif
    SETTING_END
};

enum setting_kind {
    SETTING_TEXT,      /* const char *, not empty */
    SETTING_INT,       /* int64_t within [min, max] */
    SETTING_WORD,      /* int64_t, index into words */
    SETTING_ADDRESS,   /* struct listen */
    SETTING_IPV4,      /* const char * */
    SETTING_IPV6,      /* the same */
    SETTING_HOST,      /* const char *, a host name */
    SETTING_URL,       /* const char *, without a slash at the end */
    SETTING_PROVIDERS, /* unsigned */
    SETTING_ENGINE,    /* const char *: which database */
};

struct setting_row {
    const char *name; /* in the configuration file */
    const char *flag; /* after "--" */
    const char *env;
    enum setting_kind kind;
    size_t offset; /* in struct settings */
    int64_t min, max;
    const char *const *words; /* ended by NULL */
    const char *fallback;     /* NULL: none, or worked out at start */
    const char *unit;         /* after a number; NULL: none */
    const char *value;        /* what help calls the value */
    const char *help;
    bool everywhere; /* a flag of every command, not only of serve */
    bool drivers;    /* also one of every command that opens the drivers */
};

extern const struct setting_row setting_rows[SETTING_END];

/* Where values come from. */
struct setting_sources {
    const char *const *flags;             /* SETTING_END of them; NULL: not given */
    const char *(*env)(const char *name); /* NULL: not set; an empty value counts as not set */
};

/* Reads all sources. The flags must outlive the settings. ERR_INVALID names the flag, the variable or file:line, the
 * setting and what it allows. */
MUST_CHECK bool settings_load(const struct setting_sources *sources, struct arena *arena, struct settings *ret,
                              struct error *reterr);
/* Those that say which DNS host, resolver, mail host and edge there are, a line `name=value` each, without secrets and
 * files that hold them. */
struct str settings_outside(const struct settings *settings, struct arena *arena);
/* What a setting may be, for people: "a whole number from 1 to 64". */
struct str setting_range(const struct setting_row *row, struct arena *arena);
