/*
 * mailbox-talk: the mailbox driver `mailhost` alone, for tests; asked by mailbox_talk.py. Its settings stand in the
 * environment (TALK_...; TALK_RESOLVER is who is asked what the world sees). A line of standard input is a JSON object
 * that says what to do, and is answered by one line:
 *
 *     {"do": "create", "email": "ann@a.test", "key": "k1", "password": "..."}
 *     {"outcome": "done", "reason": "", "retry_after_ms": 0}
 *
 *     {"do": "lookup" or "remove", "email": "ann@a.test", "key": "k1"}
 *     {"do": "access", "email": "ann@a.test", "key": "k1", "allowed": false, "change": 1}
 *     {"do": "verify", "email": "ann@a.test", "key": "k1", "password": "..."}
 *     {"do": "facts", "domain": "a.test"}      {..., "mx": "mx.x.test", "dkim": [["dfy1", "v=DKIM1; ..."]], ...}
 *     {"do": "dkim", "domain": "a.test", "rotation": 2, "phase": "announced"}
 *     {"do": "all", "threads": 8, "jobs": [{"do": "create", ...}, ...]}      {"answers": [...], "took_ms": 12}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <yyjson.h>

#include "conversation.h"
#include "driver/mailbox/mailhost.h"
#include "driver/resolver/stub.h"

/* NULL: not given. */
static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

static int64_t number_setting(const char *name, int64_t fallback) {
    const char *value = setting(name);
    return value ? strtoll(value, NULL, 10) : fallback;
}

/* ---- what can be asked ---- */

struct job {
    struct mailbox *mailbox;
    yyjson_val *asked;
    yyjson_mut_doc *doc;
    yyjson_mut_val *said;
    struct answer answer;
};

static struct str text(const struct job *job, const char *name) {
    yyjson_val *value = yyjson_obj_get(job->asked, name);
    return yyjson_is_str(value) ? (struct str){yyjson_get_str(value), yyjson_get_len(value)} : STR("");
}

static int64_t number(const struct job *job, const char *name) {
    return yyjson_get_sint(yyjson_obj_get(job->asked, name));
}

static enum provider provider_of(const struct job *job) {
    int64_t provider = number(job, "provider");
    return provider ? (enum provider)provider : PROVIDER_AIRMAIL;
}

static void say(struct job *job, const char *name, struct str value) {
    yyjson_mut_obj_add_strncpy(job->doc, job->said, name, value.p, value.n);
}

static enum outcome create(struct job *job) {
    const struct mailbox_create wanted = {
        .email = text(job, "email"),
        .password = text(job, "password"),
        .provider = provider_of(job),
        .key = text(job, "key"),
    };
    return mailbox_create(job->mailbox, &wanted, &job->answer);
}

static enum outcome look_up(struct job *job) {
    return mailbox_lookup(job->mailbox, text(job, "email"), text(job, "key"), &job->answer);
}

static enum outcome remove_mailbox(struct job *job) {
    return mailbox_remove(job->mailbox, text(job, "email"), text(job, "key"), &job->answer);
}

static enum outcome set_access(struct job *job) {
    const struct mailbox_access access = {
        .email = text(job, "email"),
        .key = text(job, "key"),
        .is_allowed = yyjson_get_bool(yyjson_obj_get(job->asked, "allowed")),
        .change = number(job, "change"),
    };
    return mailbox_set_access(job->mailbox, &access, &job->answer);
}

static enum outcome verify(struct job *job) {
    const struct mailbox_login login = {text(job, "email"), text(job, "key"), text(job, "password")};
    return mailbox_verify(job->mailbox, &login, &job->answer);
}

static void say_facts(struct job *job, const struct mail_facts *facts) {
    say(job, "mx", facts->mx_host);
    yyjson_mut_obj_add_int(job->doc, job->said, "preference", facts->mx_preference);
    say(job, "spf", facts->spf_term);
    say(job, "reports", facts->reports);
    say(job, "mta_sts_id", facts->mta_sts_id);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(job->doc, job->said, "dkim");
    for (size_t i = 0; i < facts->n_dkim; i++) {
        yyjson_mut_val *row = yyjson_mut_arr_add_arr(job->doc, list);
        yyjson_mut_arr_add_strncpy(job->doc, row, facts->dkim[i].selector.p, facts->dkim[i].selector.n);
        yyjson_mut_arr_add_strncpy(job->doc, row, facts->dkim[i].value.p, facts->dkim[i].value.n);
    }
}

static enum outcome ask_facts(struct job *job) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(65536);
    struct mail_facts facts;
    enum outcome outcome =
        mailbox_mail_facts(job->mailbox, text(job, "domain"), provider_of(job), arena, &facts, &job->answer);
    if (outcome == OUTCOME_DONE) say_facts(job, &facts);
    return outcome;
}

static enum outcome set_dkim(struct job *job) {
    struct mailbox_dkim move = {.domain = text(job, "domain"), .rotation = number(job, "rotation")};
    for (size_t i = 0; i < DKIM_PHASE_END; i++)
        if (str_is(text(job, "phase"), dkim_phase_names[i])) move.phase = (enum dkim_phase)i;
    return mailbox_set_dkim(job->mailbox, &move, &job->answer);
}

static const struct {
    const char *name;
    enum outcome (*run)(struct job *job);
} verbs[] = {
    {"create", create}, {"lookup", look_up},  {"remove", remove_mailbox}, {"access", set_access},
    {"verify", verify}, {"facts", ask_facts}, {"dkim", set_dkim},
};

static void run(void *mailbox, yyjson_val *asked, yyjson_mut_doc *doc, yyjson_mut_val *said) {
    static const char *const words[] = {"done", "refused", "unknown"};
    struct job job = {.mailbox = mailbox, .asked = asked, .doc = doc, .said = said};
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (!str_is(text(&job, "do"), verbs[i].name)) continue;
        enum outcome outcome = verbs[i].run(&job);
        say(&job, "outcome", str_of(words[outcome]));
        say(&job, "reason", outcome == OUTCOME_DONE ? STR("") : str_of(job.answer.reason));
        yyjson_mut_obj_add_sint(doc, said, "retry_after_ms", job.answer.retry_after_ms);
    }
}

/* "127.0.0.1:993"; TO is written. */
static struct mailhost_place place_setting(const char *name, char *to, size_t size) {
    const char *value = setting(name);
    if (!value) return (struct mailhost_place){.host = ""};
    snprintf(to, size, "%s", value);
    char *colon = strrchr(to, ':');
    if (!colon) return (struct mailhost_place){.host = ""};
    *colon = '\0';
    return (struct mailhost_place){.host = to, .port = (int)strtol(colon + 1, NULL, 10)};
}

int main(void) {
    char imap[64], submission[64], resolver[64];
    const struct mailhost_place asked = place_setting("TALK_RESOLVER", resolver, sizeof resolver);
    const struct stub_config stub = {.host = asked.host, .port = (uint16_t)asked.port};
    struct mailhost_config config = {
        .dir = setting("TALK_DIR"),
        .name = setting("TALK_NAME"),
        .spf = setting("TALK_SPF"),
        .reports = setting("TALK_REPORTS"),
        .mta_sts = setting("TALK_MTA_STS"),
        .quota_bytes = number_setting("TALK_QUOTA_BYTES", INT64_C(2) << 30),
        .sends_per_day = number_setting("TALK_SENDS_PER_DAY", 500),
        .imap = place_setting("TALK_IMAP", imap, sizeof imap),
        .submission = place_setting("TALK_SUBMISSION", submission, sizeof submission),
        .ca_file = setting("TALK_CA_FILE"),
        .doveadm_url = setting("TALK_DOVEADM_URL"),
        .doveadm_key = setting("TALK_DOVEADM_KEY"),
    };
    struct mailbox *mailbox;
    struct error error;
    if (sodium_init() < 0 || !config.dir) return 1;
    if (!resolver_stub_open(&stub, &config.resolver, &error) || !mailbox_mailhost_open(&config, &mailbox, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    converse(run, mailbox);
    mailbox_destroy(mailbox);
    resolver_destroy(config.resolver);
    return 0;
}
