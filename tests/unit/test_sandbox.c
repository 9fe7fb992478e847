/* What the sandbox's words do: conversations from cases/sandbox.txt, and docs/sandbox.md against the table. */
#include "sandbox_fixture.h"

#include "driver/dns/dns.h"
#include "driver/drivers.h"
#include "driver/mailbox/mailbox.h"
#include "driver/payment/payment.h"
#include "driver/registrar/registrar.h"
#include "driver/sandbox_book.h"
#include "driver/sandbox_magic.h"

static const char *const outcome_names[] = {"done", "refused", "unknown"};

static char *file_of(const char *variable, const char *fallback, const char *name) {
    const char *dir = getenv(variable);
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir ? dir : fallback, name);
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("cannot open %s", path);
    enum { MOST = 1 << 20 };
    char *text = malloc(MOST);
    assert_non_null(text);
    size_t n = fread(text, 1, MOST - 1, file);
    text[n] = 0;
    fclose(file);
    return text;
}

/* ---- Conversations ---- */

struct talk {
    struct fixture *f;
    struct str place, subject;
    char got[64];
};

static void say(struct talk *t, enum outcome outcome, const struct answer *answer) {
    if (outcome == OUTCOME_UNKNOWN && answer->retry_after_ms)
        snprintf(t->got, sizeof t->got, "unknown/%lld", (long long)answer->retry_after_ms);
    else
        snprintf(t->got, sizeof t->got, "%s", outcome_names[outcome]);
    /* Whoever reads a refusal or waits for an answer is told why. */
    assert_int_equal(answer->reason[0] == 0, outcome == OUTCOME_DONE);
}

/* OP without a final '2', which asks for the other key. */
static bool is_op(struct str op, const char *name, struct str *ret_key) {
    *ret_key = str_starts(op, name) && op.n == strlen(name) + 1 && op.p[op.n - 1] == '2' ? STR("key-2") : STR("key-1");
    return str_is(op, name) || ret_key->p[4] == '2';
}

static void registrar_step(struct talk *t, struct str op) {
    struct registrar *r = t->f->drivers.registrar;
    struct answer answer = {0};
    struct str key;
    bool taken = false;
    if (is_op(op, "check", &key)) {
        enum outcome outcome = registrar_check(r, &t->subject, 1, &taken, &answer);
        snprintf(t->got, sizeof t->got, "%s", outcome ? outcome_names[outcome] : taken ? "taken" : "free");
    } else if (is_op(op, "lookup", &key)) {
        enum outcome outcome = registrar_lookup(r, t->subject, key, &answer);
        say(t, outcome, &answer);
    } else if (is_op(op, "create", &key)) {
        struct registrar_create job = {.name = t->subject, .key = key, .years = 1};
        job.nameservers = dns_nameservers(t->f->drivers.dns, &job.n_nameservers);
        enum outcome outcome = registrar_create(r, &job, &answer);
        say(t, outcome, &answer);
    } else if (is_op(op, "renew", &key) || is_op(op, "renewwarm", &key)) {
        struct registrar_renew job = {
            .name = t->subject, .key = key, .is_pre_warmed = str_starts(op, "renewwarm"), .years = 2};
        enum outcome outcome = registrar_renew(r, &job, &answer);
        say(t, outcome, &answer);
    } else if (str_is(op, "years")) {
        snprintf(t->got, sizeof t->got, "%lld", (long long)sandbox_book_years(t->f->drivers.book, t->subject));
    } else if (str_is(op, "count")) {
        snprintf(t->got, sizeof t->got, "%lld", (long long)sandbox_book_registrations(t->f->drivers.book, t->subject));
    } else {
        fail_msg("no such step: %.*s", STR_ARG(op));
    }
}

static void dns_step(struct talk *t, struct str op) {
    struct str mx = STR("10 mx.airmail.sandbox.test"), text[] = {STR("v=spf1 -all"), STR("another=1")};
    struct str address = STR("192.0.2.1");
    struct rrset mail[] = {{t->subject, "MX", 300, &mx, 1}, {t->subject, "TXT", 300, text, 2}};
    struct rrset web = {t->subject, "A", 300, &address, 1};
    struct answer answer = {0};
    enum outcome outcome = OUTCOME_DONE;
    if (str_is(op, "served")) {
        snprintf(t->got, sizeof t->got, "%s", fixture_serves(t->f, t->subject, mail, 2) ? "yes" : "no");
        return;
    }
    if (str_is(op, "publish"))
        outcome = fixture_publish(t->f, t->subject, mail, 2, &answer);
    else if (str_is(op, "web"))
        outcome = fixture_publish(t->f, t->subject, &web, 1, &answer);
    else
        fail_msg("no such step: %.*s", STR_ARG(op));
    say(t, outcome, &answer);
}

static void mailbox_step(struct talk *t, struct str op) {
    struct mailbox *m = t->f->drivers.mailbox;
    struct answer answer = {0};
    struct str key;
    if (is_op(op, "lookup", &key)) {
        enum outcome outcome = mailbox_lookup(m, t->subject, key, &answer);
        say(t, outcome, &answer);
    } else if (is_op(op, "create", &key)) {
        /* Each key has its own password. */
        struct mailbox_create job = {.email = t->subject,
                                     .first_name = STR("Jane"),
                                     .last_name = STR("Doe"),
                                     .password = key,
                                     .provider = PROVIDER_AIRMAIL,
                                     .key = key};
        enum outcome outcome = mailbox_create(m, &job, &answer);
        say(t, outcome, &answer);
    } else if (is_op(op, "remove", &key)) {
        enum outcome outcome = mailbox_remove(m, t->subject, key, &answer);
        say(t, outcome, &answer);
    } else if (str_is(op, "close") || str_is(op, "open")) {
        bool opens = str_is(op, "open");
        struct mailbox_access job = {
            .email = t->subject, .key = STR("key-1"), .is_allowed = opens, .change = opens ? 2 : 1};
        enum outcome outcome = mailbox_set_access(m, &job, &answer);
        say(t, outcome, &answer);
    } else if (str_is(op, "opens")) {
        bool has = sandbox_book_has_mailbox(t->f->drivers.book, t->subject, STR("key-1"));
        snprintf(t->got, sizeof t->got, "%s", has ? "yes" : "no");
    } else {
        fail_msg("no such step: %.*s", STR_ARG(op));
    }
}

static void payment_step(struct talk *t, struct str op) {
    struct payment *p = t->f->drivers.payment;
    struct payment_answer answer = {0};
    struct payment_charge job = {.token = t->subject, .amount = PRICE, .description = STR("test")};
    if (str_is(op, "describe")) {
        struct card_facts card;
        enum outcome outcome = payment_describe(p, t->subject, &card, &answer.answer);
        if (outcome == OUTCOME_DONE)
            snprintf(t->got, sizeof t->got, "%s/%s", card.brand, card.last4);
        else
            say(t, outcome, &answer.answer);
    } else if (str_is(op, "count")) {
        int64_t n = sandbox_book_charges(t->f->drivers.book, STR("key-1"));
        snprintf(t->got, sizeof t->got, "%lld", (long long)n);
    } else if (is_op(op, "refund", &job.key)) {
        struct payment_refund back = {.key = job.key, .charge_key = STR("key-1"), .amount = PRICE};
        enum outcome outcome = payment_refund(p, &back, &answer);
        say(t, outcome, &answer.answer);
    } else if (is_op(op, "close", &job.key)) {
        enum outcome outcome = payment_close(p, &job, &answer);
        say(t, outcome, &answer.answer);
    } else if (is_op(op, "charge", &job.key) || str_is(op, "dearer") || str_is(op, "token2")) {
        if (str_is(op, "dearer")) job.amount++;
        if (str_is(op, "token2")) job.token = STR("tok_amex");
        enum outcome outcome = payment_charge(p, &job, &answer);
        say(t, outcome, &answer.answer);
        assert_int_equal(outcome == OUTCOME_REFUSED, answer.decline != DECLINE_NONE);
        if (answer.decline) snprintf(t->got, sizeof t->got, "%s", decline_names[answer.decline]);
    } else {
        fail_msg("no such step: %.*s", STR_ARG(op));
    }
}

typedef void step_fn(struct talk *, struct str op);
static step_fn *const step_fns[MAGIC_PLACE_END] = {registrar_step, dns_step, mailbox_step, payment_step};

static enum magic_place place_of(struct str name) {
    for (int i = 0; i < MAGIC_PLACE_END; i++)
        if (str_is(name, magic_place_names[i])) return (enum magic_place)i;
    fail_msg("no such place: %.*s", STR_ARG(name));
    return MAGIC_PLACE_END;
}

static void run_line(struct str line, bool reopening, bool seen[MAGIC_ROWS]) {
    struct fixture f;
    fixture_init(&f);
    must_open(&f);
    struct str rest;
    struct talk talk = {.f = &f, .place = str_cut(line, ' ', &rest)};
    talk.subject = str_cut(str_trim(rest), ' ', &rest);
    enum magic_place place = place_of(talk.place);
    const struct magic_row *row = magic_find(place, talk.subject);
    if (row) seen[row - magic_rows] = true;
    int n = 0;
    for (rest = str_trim(rest); rest.n; rest = str_trim(rest), n++) {
        struct str want, op = str_cut(str_cut(rest, ' ', &rest), '=', &want);
        if (reopening) reopen(&f);
        if (str_is(op, "wait")) {
            int64_t ms = SANDBOX_SLOW_MS - 1;
            assert_true(str_is(want, "most") || str_to_int(want, 1, 1000000, &ms));
            f.clock.manual_ms += ms;
            continue;
        }
        step_fns[place](&talk, op);
        if (!str_is(want, talk.got))
            fail_msg("%.*s\n  step %d, %.*s%s: got %s", STR_ARG(line), n + 1, STR_ARG(op),
                     reopening ? " (reopened before each step)" : "", talk.got);
    }
    assert_true(n > 0);
    fixture_finish(&f);
}

static void conversations(void **state) {
    (void)state;
    bool seen[MAGIC_ROWS] = {false};
    char *text = file_of("CASES", "tests/unit/cases", "sandbox.txt");
    for (struct str rest = str_of(text); rest.n;) {
        struct str line = str_trim(str_cut(rest, '\n', &rest));
        if (!line.n || line.p[0] == '#') continue;
        run_line(line, false, seen);
        run_line(line, true, seen);
    }
    for (int i = 0; i < MAGIC_ROWS; i++)
        if (!seen[i]) fail_msg("no case for %s %s", magic_place_names[magic_rows[i].place], magic_rows[i].word);
    free(text);
}

/* ---- The table and the document ---- */

/* Field I of a Markdown table's row, without the back-quotes around it. */
static struct str cell(struct str line, int i) {
    struct str rest = line, field = STR("");
    for (int k = 0; k <= i + 1; k++) field = str_cut(rest, '|', &rest);
    field = str_trim(field);
    if (field.n >= 2 && field.p[0] == '`') field = (struct str){field.p + 1, field.n - 2};
    return field;
}

/* Every row of the table stands in the document with its words and card, and the document has no others. */
static void document_has_the_table(void **state) {
    (void)state;
    char *text = file_of("DOCS", "docs", "sandbox.md");
    int found[MAGIC_ROWS] = {0};
    struct str place = STR("");
    for (struct str rest = str_of(text); rest.n;) {
        struct str line = str_trim(str_cut(rest, '\n', &rest));
        /* The comment before each of the tables says which place's words it has. */
        if (str_starts(line, "<!-- magic: "))
            place = str_cut((struct str){line.p + 12, line.n - 12}, ' ', &(struct str){0});
        if (str_starts(line, "#")) place = STR("");
        if (!place.n || !str_starts(line, "| `")) continue;
        bool known = false;
        for (int i = 0; i < MAGIC_ROWS; i++) {
            const struct magic_row *row = &magic_rows[i];
            if (row->place != place_of(place) || !str_is(cell(line, 0), row->word)) continue;
            known = true;
            found[i]++;
            struct str what = cell(line, 1);
            if (row->brand) {
                char card[40];
                snprintf(card, sizeof card, "%s %s", row->brand, row->last4);
                if (!str_is(what, card)) fail_msg("docs/sandbox.md: %s is %s", row->word, card);
                what = cell(line, 2);
            }
            if (!str_is(what, row->what))
                fail_msg("docs/sandbox.md says of %s: \"%.*s\", the table: \"%s\"", row->word, STR_ARG(what),
                         row->what);
        }
        if (!known) fail_msg("docs/sandbox.md has a word that the sandbox does not know: %.*s", STR_ARG(line));
    }
    for (int i = 0; i < MAGIC_ROWS; i++)
        if (found[i] != 1)
            fail_msg("docs/sandbox.md has %s %s %d times", magic_place_names[magic_rows[i].place], magic_rows[i].word,
                     found[i]);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversations),
        cmocka_unit_test(document_has_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
