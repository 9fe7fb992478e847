/*
 * verify_check: uses a mailbox as its owner's mail program would, from the login to the deleted message. Safe to call
 * from several threads at once.
 */
#pragma once

#include "base/clock.h"
#include "driver/mailbox/mailbox.h"
#include "driver/mailbox/mailhost/verify_session.h"

struct resolver;

struct mail_check_config {
    struct check_servers servers;
    struct resolver *resolver; /* has the keys of signatures; must outlive the checks */
    const struct clock *clock; /* for the message's Date; must outlive the checks */
};

struct mail_check;

/* Never NULL. The texts of CONFIG are copied. sodium_init must have run. */
struct mail_check *mail_check_create(const struct mail_check_config *config);
/* NULL is fine. */
void mail_check_destroy(struct mail_check *check);

/*
 * Logs in over IMAP and to submission, sends a message from the mailbox to itself, waits for it in INBOX, verifies its
 * DKIM signatures, and deletes it with what interrupted checks left. DONE: all of it worked. REFUSED: something was
 * clearly wrong. UNKNOWN: something gave no answer, or not in time. The reason names the stage and quotes the server.
 * Takes some 20 s at most.
 */
enum outcome mail_check_run(struct mail_check *check, const struct mailbox_login *login, struct answer *answer);
