/* Uses a mailbox as its owner would. */
#include "driver/mailbox/mailhost/mailhost_inside.h"

enum outcome mailhost_verify(struct mailbox *m, const struct mailbox_login *login, struct answer *answer) {
    return mail_check_run(mailhost_of(m)->check, login, answer);
}

static struct check_place place_of(const struct mailhost_place *place, int port) {
    bool is_set = place->host && place->host[0];
    return (struct check_place){is_set ? place->host : NULL, is_set ? place->port : port};
}

struct mail_check *mailhost_check_create(const struct mailhost *host) {
    const struct mailhost_config *config = &host->config;
    const struct mail_check_config check = {
        .servers =
            {
                .host = config->name,
                .imap = place_of(&config->imap, MAILHOST_IMAP_PORT),
                .submission = place_of(&config->submission, MAILHOST_SUBMISSION_PORT),
                .ca_file = config->ca_file,
            },
        .resolver = config->resolver,
        .clock = &host->clock,
    };
    return mail_check_create(&check);
}
