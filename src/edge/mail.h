/*
 * mail: documents that mail servers and mail programs fetch from names under a mail domain: the policy for mail that
 * comes in (MTA-STS, RFC 8461 section 3.2), Thunderbird's autoconfiguration (clientConfig 1.1) and Outlook's
 * autodiscover (the POX response of schema 2006a).
 */
#pragma once

#include "base/buf.h"

enum mta_sts { MTA_STS_OFF, MTA_STS_TESTING, MTA_STS_ENFORCE };

struct mail_host {
    struct str name; /* of its MX, IMAP at port 993 and submission at port 465; empty: there is none */
    enum mta_sts mta_sts;
};

enum mail_name { MAIL_NONE, MAIL_STS, MAIL_AUTOCONFIG, MAIL_AUTODISCOVER };

/* Which of them HOST is, and *ret_domain what it is under. */
enum mail_name mail_name_of(struct str host, struct str *ret_domain);

/*
 * Adds the document that stands at PATH (without its first slash) under NAME of DOMAIN; BODY is what the program sent
 * along. False, and nothing added: there is none. *ret_type: its media type.
 */
bool mail_document(const struct mail_host *host, enum mail_name name, struct str domain, struct str path,
                   struct str body, struct buf *to, const char **ret_type);
