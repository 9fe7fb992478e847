/*
 * IMAP comes first: when that login does not work nothing is sent that could not be deleted. While the message travels
 * it is asked for in growing waits, among the messages that came after it was sent.
 */
#include "driver/mailbox/mailhost/verify_check.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "driver/mailbox/mailhost/verify_dkim.h"
#include "driver/mailbox/mailhost/verify_message.h"
#include "driver/mailbox/mailhost/verify_words.h"

/* A failed login is answered late on purpose, after some seconds. */
enum {
    LOGIN_MS = 6000,
    SUBMIT_MS = 6000,
    ARRIVE_MS = 10000,
    COMMAND_MS = 6000, /* a mail host may stand still for a moment, and is not broken for that */
    SIGNATURE_MS = 4000,
    TIDY_MS = 2000, /* kept back from the time for all of it, to delete what was sent */
    CHECK_MS = 20000,
    WAIT_FIRST_MS = 20,
    WAIT_MAX_MS = 1000,
};
/* How old a message of another check is before it is taken for left over, and how far back such are looked for. */
enum { LEFT_OVER_S = 120, LOOK_BACK_S = 30 * 24 * 60 * 60 };

struct mail_check {
    struct arena *texts; /* what SERVERS points into */
    struct check_servers servers;
    struct resolver *resolver;
    const struct clock *clock;
    struct check_dkim *dkim;
    struct session_pool *pool;
};

/* One check under way. */
struct run {
    struct mail_check *check;
    const struct mailbox_login *login;
    struct arena *arena;
    struct session *session;
    int64_t deadline_ms;
    char token[CHECK_TOKEN_TEXT];
    const char *folder; /* where the message is, or else would be */
    uint32_t uid_next;  /* from here on it comes */
    uint32_t uid;       /* of the message; 0: it is not there yet */
};

static const char inbox[] = "INBOX", junk[] = "Junk";

static enum outcome command(struct run *run, const char *what, struct str text, struct str *ret_lines,
                            struct answer *answer) {
    const struct session_step step = {what, run->folder, COMMAND_MS};
    return session_command(run->session, &step, text.p, ret_lines, answer);
}

/* ---- the way there ---- */

static enum outcome log_in(struct run *run, struct answer *answer) {
    struct str lines;
    const struct session_step step = {"the first command over IMAP", inbox, LOGIN_MS};
    enum outcome outcome = session_command(run->session, &step, "NOOP", &lines, answer);
    run->uid_next = words_uid_next(lines);
    return outcome;
}

/* Whether it is there, in run->uid. */
static enum outcome look(struct run *run, struct answer *answer) {
    struct str lines;
    struct str text =
        arena_printf(run->arena, "UID SEARCH UID %u:* HEADER " CHECK_FIELD " %s", run->uid_next, run->token);
    enum outcome outcome = command(run, "looking for the message over IMAP", text, &lines, answer);
    run->uid = outcome == OUTCOME_DONE ? words_found(lines) : 0;
    return outcome;
}

static void wait_ms(int64_t ms) {
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

static enum outcome say_missing(struct run *run, struct answer *answer) {
    struct str lines;
    struct words_quota quota;
    if (command(run, "", STR("GETQUOTAROOT INBOX"), &lines, NULL) == OUTCOME_DONE && words_quota(lines, &quota))
        return answer_set(answer, OUTCOME_UNKNOWN,
                          "the message was accepted but did not arrive within %d s; the mailbox holds %lld of %lld KiB",
                          ARRIVE_MS / 1000, (long long)quota.used_kib, (long long)quota.limit_kib);
    return answer_set(answer, OUTCOME_UNKNOWN, "the message was accepted but did not arrive within %d s",
                      ARRIVE_MS / 1000);
}

/* Polls: the waits grow, so that a message which takes its time costs few commands. */
static enum outcome wait_for_it(struct run *run, struct answer *answer) {
    int64_t until_ms = clock_steady_ms() + ARRIVE_MS;
    if (until_ms > run->deadline_ms) until_ms = run->deadline_ms;
    for (int64_t wait = WAIT_FIRST_MS;; wait = wait * 3 / 2 < WAIT_MAX_MS ? wait * 3 / 2 : WAIT_MAX_MS) {
        enum outcome outcome = look(run, answer);
        if (outcome != OUTCOME_DONE || run->uid) return outcome;
        int64_t left_ms = until_ms - clock_steady_ms();
        if (left_ms <= 0) break;
        wait_ms(wait < left_ms ? wait : left_ms);
    }
    run->folder = junk;
    run->uid_next = 1;
    if (look(run, NULL) == OUTCOME_DONE && run->uid)
        return answer_set(answer, OUTCOME_REFUSED, "the message arrived, but in %s instead of %s", junk, inbox);
    run->folder = inbox;
    return say_missing(run, answer);
}

static enum outcome read_it(struct run *run, struct answer *answer) {
    struct str message, email = run->login->email;
    const struct session_step step = {"fetching the message over IMAP", run->folder, COMMAND_MS};
    enum outcome outcome = session_fetch(run->session, &step, run->uid, &message, answer);
    if (outcome != OUTCOME_DONE) return outcome;
    struct str from = check_header(message, "From"), expected = arena_printf(run->arena, "<%.*s>", STR_ARG(email));
    if (!str_eq(from, expected))
        return answer_set(answer, OUTCOME_REFUSED, "the message arrived with another From: %.*s",
                          STR_ARG(words_shown(from, NULL, 0, run->arena)));
    int64_t until_ms = clock_steady_ms() + SIGNATURE_MS;
    return check_dkim_verify(run->check->dkim, run->check->resolver, message, check_domain_of(email),
                             until_ms < run->deadline_ms ? until_ms : run->deadline_ms, run->arena, answer);
}

/*
 * Deletes the message and those that other checks left. The server keeps the list itself ($, RFC 5182), and removes
 * those alone (RFC 4315): what the owner has marked as deleted stays.
 */
static enum outcome tidy(struct run *run, struct answer *answer) {
    static const char what[] = "deleting the message over IMAP";
    struct str lines, since = check_imap_date(clock_now(run->check->clock) / 1000 - LOOK_BACK_S, run->arena);
    struct str search = arena_printf(run->arena,
                                     "UID SEARCH RETURN (SAVE) OR (UID %u:* HEADER " CHECK_FIELD " %s) "
                                     "(SINCE %.*s OLDER %d HEADER " CHECK_FIELD " \"\")",
                                     run->uid_next, run->token, STR_ARG(since), LEFT_OVER_S);
    enum outcome outcome = command(run, what, search, &lines, answer);
    if (outcome == OUTCOME_DONE)
        outcome = command(run, what, STR("UID STORE $ +FLAGS.SILENT (\\Deleted)"), &lines, answer);
    return outcome == OUTCOME_DONE ? command(run, what, STR("UID EXPUNGE $"), &lines, answer) : outcome;
}

static enum outcome use(struct run *run, struct answer *answer) {
    struct mail_check *check = run->check;
    struct str email = run->login->email;
    struct str message = check_message(email, run->token, clock_now(check->clock) / 1000, run->arena);
    enum outcome outcome = session_submit(run->session, message, SUBMIT_MS, answer);
    if (outcome == OUTCOME_DONE) outcome = wait_for_it(run, answer);
    return outcome == OUTCOME_DONE ? read_it(run, answer) : outcome;
}

static void draw_token(char ret_token[CHECK_TOKEN_TEXT]) {
    unsigned char bytes[(CHECK_TOKEN_TEXT - 1) / 2];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(ret_token, CHECK_TOKEN_TEXT, bytes, sizeof bytes);
}

enum outcome mail_check_run(struct mail_check *check, const struct mailbox_login *login, struct answer *answer) {
    if (!check_address_is_plain(login->email))
        return answer_set(answer, OUTCOME_REFUSED,
                          "the address of the mailbox cannot be written in a message as it is");
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(8192);
    int64_t end_ms = clock_steady_ms() + CHECK_MS;
    struct run run = {.check = check, .login = login, .arena = arena, .folder = inbox, .uid_next = 1};
    run.deadline_ms = end_ms - TIDY_MS;
    run.session = session_open(check->pool, &check->servers, login->email, login->password, end_ms, arena);
    draw_token(run.token);
    enum outcome outcome = log_in(&run, answer);
    if (outcome == OUTCOME_DONE) {
        struct answer untidy;
        outcome = use(&run, answer);
        enum outcome tidied = tidy(&run, &untidy);
        if (outcome == OUTCOME_DONE && tidied != OUTCOME_DONE) {
            outcome = tidied;
            if (answer) *answer = untidy;
        }
    }
    session_close(run.session);
    return outcome;
}

struct mail_check *mail_check_create(const struct mail_check_config *config) {
    struct mail_check *check = calloc(1, sizeof *check);
    if (!check) abort();
    struct arena *texts = arena_create(1024);
    *check = (struct mail_check){
        .texts = texts,
        .servers = config->servers,
        .resolver = config->resolver,
        .clock = config->clock,
        .dkim = check_dkim_create(),
        .pool = session_pool_create(),
    };
    struct check_servers *servers = &check->servers;
    servers->host = arena_cstr(texts, str_of(servers->host));
    servers->imap.address = arena_cstr(texts, str_of(servers->imap.address));
    servers->submission.address = arena_cstr(texts, str_of(servers->submission.address));
    if (servers->ca_file) servers->ca_file = arena_cstr(texts, str_of(servers->ca_file));
    return check;
}

void mail_check_destroy(struct mail_check *check) {
    if (!check) return;
    session_pool_destroy(check->pool);
    check_dkim_destroy(check->dkim);
    arena_destroy(check->texts);
    free(check);
}
