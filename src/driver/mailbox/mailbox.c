#include "driver/mailbox/mailbox.h"

/* What another mail host was sold for was paid: it waits until that one is there again, and is not refused. */
static bool serves(struct mailbox *m, enum provider provider, struct answer *answer) {
    if (m->ops->providers & 1U << provider) return true;
    answer_set(answer, OUTCOME_UNKNOWN, "the mail host %s does not serve provider %d: start dfyd with one that does",
               m->ops->name, (int)provider);
    (void)tally_act(&m->tally, tally_begin(), OUTCOME_UNKNOWN, answer->reason);
    return false;
}

enum outcome mailbox_mail_facts(struct mailbox *m, struct str domain, enum provider provider, struct arena *arena,
                                struct mail_facts *ret, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    if (!serves(m, provider, answer)) return OUTCOME_UNKNOWN;
    int64_t began = tally_begin();
    return tally_look(&m->tally, began, m->ops->mail_facts(m, domain, provider, arena, ret, answer), answer->reason);
}

enum outcome mailbox_lookup(struct mailbox *m, struct str email, struct str key, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    int64_t began = tally_begin();
    return tally_look(&m->tally, began, m->ops->lookup(m, email, key, answer), answer->reason);
}

enum outcome mailbox_create(struct mailbox *m, const struct mailbox_create *job, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    if (!serves(m, job->provider, answer)) return OUTCOME_UNKNOWN;
    int64_t began = tally_begin();
    return tally_act(&m->tally, began, m->ops->create(m, job, answer), answer->reason);
}

enum outcome mailbox_remove(struct mailbox *m, struct str email, struct str key, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    int64_t began = tally_begin();
    return tally_act(&m->tally, began, m->ops->remove(m, email, key, answer), answer->reason);
}

enum outcome mailbox_set_access(struct mailbox *m, const struct mailbox_access *job, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    int64_t began = tally_begin();
    return tally_act(&m->tally, began, m->ops->set_access(m, job, answer), answer->reason);
}

enum outcome mailbox_verify(struct mailbox *m, const struct mailbox_login *login, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    int64_t began = tally_begin();
    return tally_act(&m->tally, began, m->ops->verify(m, login, answer), answer->reason);
}

enum outcome mailbox_set_dkim(struct mailbox *m, const struct mailbox_dkim *move, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    int64_t began = tally_begin();
    return tally_act(&m->tally, began, m->ops->set_dkim(m, move, answer), answer->reason);
}

void mailbox_destroy(struct mailbox *m) {
    if (m && m->ops->destroy) m->ops->destroy(m);
}
