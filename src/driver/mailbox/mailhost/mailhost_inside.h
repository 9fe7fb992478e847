/* mailhost_inside: what the files of the driver `mailhost` share. Nobody else includes it. */
#pragma once

#include "base/clock.h"
#include "driver/mailbox/mailhost.h"
#include "driver/mailbox/mailhost/verify_check.h"
#include "driver/notebook.h"
#include "driver/web/web.h"

enum { MAILHOST_IMAP_PORT = 993, MAILHOST_SUBMISSION_PORT = 465 };

/* Safe to share between threads: the notebooks, web and check have mutexes of their own, the rest is never changed. */
struct mailhost {
    struct mailbox base;
    struct arena *texts;           /* what CONFIG points into */
    struct mailhost_config config; /* spf and reports filled in */
    char mta_sts_id[33];           /* "": no policy */
    struct notebook *mail;         /* mail.db */
    struct notebook *dkim;         /* signer/dkim.db */
    struct web *web;
    struct clock clock; /* the system's */
    struct mail_check *check;
    char *doveadm_authorization; /* a header field's value; secret; NULL: none */
};

static inline struct mailhost *mailhost_of(struct mailbox *m) {
    return (struct mailhost *)m;
}

/* ---- book.c ---- */

/* Opens both files. */
MUST_CHECK bool mailhost_book_open(struct mailhost *host, struct error *reterr);
/* What follows the last @, all of it when there is none. */
struct str mailhost_domain_of(struct str email);

/* ---- users.c ---- */

/* Of letters, digits, dots and hyphens. */
bool mailhost_is_domain(struct str domain);
enum outcome mailhost_lookup(struct mailbox *m, struct str email, struct str key, struct answer *answer);
enum outcome mailhost_create(struct mailbox *m, const struct mailbox_create *job, struct answer *answer);
enum outcome mailhost_remove(struct mailbox *m, struct str email, struct str key, struct answer *answer);
enum outcome mailhost_set_access(struct mailbox *m, const struct mailbox_access *job, struct answer *answer);

/* ---- sessions.c ---- */

/* Ends what EMAIL has open at Dovecot, and lets it forget a login that it remembers. DONE: nothing is open any more,
 * or no doveadm is set. UNKNOWN: it could not be told. */
enum outcome mailhost_end_sessions(struct mailhost *host, struct str email, struct answer *answer);

/* ---- dkim.c ---- */

enum outcome mailhost_mail_facts(struct mailbox *m, struct str domain, enum provider provider, struct arena *arena,
                                 struct mail_facts *ret, struct answer *answer);
enum outcome mailhost_set_dkim(struct mailbox *m, const struct mailbox_dkim *move, struct answer *answer);

/* ---- key.c ---- */

enum mailhost_key_kind { MAILHOST_KEY_RSA, MAILHOST_KEY_ED25519, MAILHOST_KEY_END };

struct mailhost_key {
    char *pem;         /* the private key, PKCS #8, ended by NUL; secret */
    struct str record; /* what the DNS has to say of it: "v=DKIM1; k=rsa; p=..." */
};

/* Makes a key, RSA of 2048 bits or Ed25519 (RFC 8463). Text from ARENA, which the caller has to wipe:
 * mailhost_key_wipe. */
MUST_CHECK bool mailhost_key_make(enum mailhost_key_kind kind, struct arena *arena, struct mailhost_key *ret,
                                  struct answer *answer);
void mailhost_key_wipe(struct mailhost_key *key);

/* ---- verify.c ---- */

enum outcome mailhost_verify(struct mailbox *m, const struct mailbox_login *login, struct answer *answer);
/* Tries mailboxes out where HOST's configuration says. Borrows from HOST. */
struct mail_check *mailhost_check_create(const struct mailhost *host);
