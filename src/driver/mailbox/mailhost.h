/*
 * mailhost: mailboxes on an own mail host, of Postfix, Dovecot and OpenDKIM. They look users, domains and signing keys
 * up in two SQLite files that this driver keeps; docs/mailhost.md says which, and who may read them. It serves provider
 * 2 alone.
 */
#pragma once

#include "base/error.h"
#include "driver/mailbox/mailbox.h"

struct resolver;

/* Where something listens. */
struct mailhost_place {
    const char *host; /* numeric; "": nowhere in particular */
    int port;
};

struct mailhost_config {
    const char *dir;                        /* of mail.db and signer/dkim.db; made when it is missing */
    const char *name;                       /* host name, for MX, IMAP and submission */
    const char *spf;                        /* NULL: a:NAME */
    const char *reports;                    /* mail address; NULL: postmaster@NAME */
    const char *mta_sts;                    /* "off", "testing", "enforce" */
    int64_t quota_bytes, sends_per_day;     /* of a mailbox */
    struct mailhost_place imap, submission; /* where they are tried out; nowhere: NAME at ports 993 and 465 */
    const char *ca_file;                    /* that the certificates of both are checked with; NULL: the system's */
    const char *doveadm_url, *doveadm_key;  /* Dovecot's doveadm, to end open sessions; URL NULL: none */
    struct resolver *resolver;              /* sees what the world sees; must outlive the driver */
};

/*
 * Makes the folders and files that are missing, and gives the files their modes. The texts of CONFIG are copied.
 * sodium_init must have run. ERR_INVALID names the setting that is missing or wrong, and how to mend it;
 * ERR_UNAVAILABLE the file.
 */
MUST_CHECK bool mailbox_mailhost_open(const struct mailhost_config *config, struct mailbox **ret, struct error *reterr);
