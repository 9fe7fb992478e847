/*
 * stripe-talk: the payment driver `stripe` alone, for tests. A line of standard input is a JSON object that says what
 * to do, and is answered by one line:
 *
 *     {"do": "charge", "now_ms": 1, "key": "...", "token": "...", "amount": 100, "created_ms": 1}
 *     {"outcome": "refused", "decline": "card_expired", "reason": "...", "reference": ""}
 *
 * "times": 8 does it in so many threads at once; then the answer is an array. TALK_URL, TALK_KEY, TALK_WEBHOOK_SECRET
 * and TALK_TIMEOUT_MS are the driver's settings.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>
#include <yyjson.h>

#include "driver/payment/stripe.h"

enum { LINE_MAX_BYTES = 65536, TIMES_MAX = 64 };

struct talk {
    struct payment *payment;
    yyjson_val *asked;
    yyjson_mut_doc *doc;
    yyjson_mut_val *said;
    enum outcome outcome;
};

static struct str text(const struct talk *t, const char *name) {
    yyjson_val *value = yyjson_obj_get(t->asked, name);
    return yyjson_is_str(value) ? (struct str){yyjson_get_str(value), yyjson_get_len(value)} : STR("");
}

static int64_t number(const struct talk *t, const char *name) {
    return yyjson_get_sint(yyjson_obj_get(t->asked, name));
}

static void say(struct talk *t, const char *name, const char *value) {
    yyjson_mut_obj_add_strcpy(t->doc, t->said, name, value);
}

static struct payment_charge job_of(const struct talk *t) {
    return (struct payment_charge){
        .key = text(t, "key"),
        .token = text(t, "token"),
        .amount = number(t, "amount"),
        .workspace_id = text(t, "workspace"),
        .description = text(t, "description"),
        .created_ms = number(t, "created_ms"),
    };
}

static void say_answer(struct talk *t, const struct payment_answer *answer) {
    say(t, "reason", t->outcome == OUTCOME_DONE ? "" : answer->answer.reason);
    say(t, "decline", answer->decline ? decline_names[answer->decline] : "");
    say(t, "reference", t->outcome == OUTCOME_DONE ? answer->reference : "");
    yyjson_mut_obj_add_sint(t->doc, t->said, "retry_after_ms", answer->answer.retry_after_ms);
}

static void say_card(struct talk *t, const struct card_facts *card) {
    say(t, "brand", card->brand);
    say(t, "last4", card->last4);
    say(t, "name", card->name);
    say(t, "token", card->token);
}

static void charge(struct talk *t) {
    struct payment_answer answer;
    const struct payment_charge job = job_of(t);
    t->outcome = payment_charge(t->payment, &job, &answer);
    say_answer(t, &answer);
}

static void close_key(struct talk *t) {
    struct payment_answer answer;
    const struct payment_charge job = job_of(t);
    t->outcome = payment_close(t->payment, &job, &answer);
    say_answer(t, &answer);
}

static void refund(struct talk *t) {
    struct payment_answer answer;
    const struct payment_refund job = {text(t, "key"), text(t, "charge_key"), text(t, "reference"), number(t, "amount"),
                                       number(t, "retries")};
    t->outcome = payment_refund(t->payment, &job, &answer);
    say_answer(t, &answer);
}

static void describe(struct talk *t) {
    struct payment_answer answer = {0};
    struct card_facts card = {0};
    t->outcome = payment_describe(t->payment, text(t, "token"), &card, &answer.answer);
    say_answer(t, &answer);
    say_card(t, &card);
}

static void open_page(struct talk *t) {
    struct payment_answer answer = {0};
    struct checkout_page page;
    const struct payment_checkout job = {job_of(t), number(t, "expires_ms"), text(t, "success_url"),
                                         text(t, "cancel_url")};
    t->outcome = payment_checkout_open(t->payment, &job, &page, &answer.answer);
    say(t, "reason", answer.answer.reason);
    say(t, "reference", page.reference);
    say(t, "url", page.url);
}

static void look_at_page(struct talk *t) {
    struct payment_answer answer;
    struct card_facts card;
    const struct payment_charge job = job_of(t);
    t->outcome = payment_checkout_look(t->payment, &job, text(t, "page"), &card, &answer);
    say_answer(t, &answer);
    say_card(t, &card);
}

static void close_page(struct talk *t) {
    struct payment_answer answer;
    struct card_facts card;
    const struct payment_charge job = job_of(t);
    t->outcome = payment_checkout_close(t->payment, &job, text(t, "page"), &card, &answer);
    say_answer(t, &answer);
    say_card(t, &card);
}

static struct str signature_of(void *arg, const char *name) {
    return str_is(STR("Stripe-Signature"), name) ? text(arg, "signature") : STR("");
}

static void read_event(struct talk *t) {
    struct payment_answer answer = {0};
    struct payment_event event;
    t->outcome =
        payment_read_event(t->payment, signature_of, t, text(t, "body"), number(t, "now_ms"), &event, &answer.answer);
    say(t, "reason", answer.answer.reason);
    say(t, "id", event.id);
    say(t, "key", event.key);
}

static void add_movement(void *arg, const struct payment_movement *movement) {
    struct talk *t = arg;
    yyjson_mut_val *list = yyjson_mut_obj_get(t->said, "movements"), *row = yyjson_mut_arr_add_obj(t->doc, list);
    yyjson_mut_obj_add_bool(t->doc, row, "is_refund", movement->is_refund);
    yyjson_mut_obj_add_strncpy(t->doc, row, "key", movement->key.p, movement->key.n);
    yyjson_mut_obj_add_strncpy(t->doc, row, "reference", movement->reference.p, movement->reference.n);
    yyjson_mut_obj_add_sint(t->doc, row, "amount", movement->amount);
    yyjson_mut_obj_add_sint(t->doc, row, "at_ms", movement->at_ms);
}

static void movements(struct talk *t) {
    struct payment_answer answer = {0};
    yyjson_mut_obj_add_arr(t->doc, t->said, "movements");
    t->outcome = payment_movements(t->payment, number(t, "from_ms"), add_movement, t, &answer.answer);
    say(t, "reason", answer.answer.reason);
}

static const struct {
    const char *name;
    void (*run)(struct talk *t);
} verbs[] = {
    {"charge", charge},         {"close", close_key},       {"refund", refund},
    {"describe", describe},     {"open_page", open_page},   {"look_at_page", look_at_page},
    {"close_page", close_page}, {"read_event", read_event}, {"movements", movements},
};

static void *run(void *arg) {
    static const char *const words[] = {"done", "refused", "unknown"};
    struct talk *t = arg;
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (!str_is(text(t, "do"), verbs[i].name)) continue;
        verbs[i].run(t);
        say(t, "outcome", words[t->outcome]);
        return NULL;
    }
    say(t, "outcome", "no such verb");
    return NULL;
}

static void answer_line(struct payment *payment, struct clock *clock, char *line, size_t n) {
    struct talk talks[TIMES_MAX];
    pthread_t threads[TIMES_MAX];
    yyjson_doc *doc = yyjson_read(line, n, 0);
    yyjson_val *asked = yyjson_doc_get_root(doc);
    int64_t times = yyjson_get_sint(yyjson_obj_get(asked, "times"));
    size_t count = times < 1 ? 1 : times > TIMES_MAX ? TIMES_MAX : (size_t)times;
    clock->manual_ms = yyjson_get_sint(yyjson_obj_get(asked, "now_ms"));
    for (size_t i = 0; i < count; i++) {
        talks[i] = (struct talk){.payment = payment, .asked = asked, .doc = yyjson_mut_doc_new(NULL)};
        talks[i].said = yyjson_mut_obj(talks[i].doc);
        yyjson_mut_doc_set_root(talks[i].doc, talks[i].said);
        if (pthread_create(&threads[i], NULL, run, &talks[i])) abort();
    }
    if (times) putchar('[');
    for (size_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        char *said = yyjson_mut_write(talks[i].doc, 0, NULL);
        printf("%s%s", i ? ", " : "", said);
        free(said);
        yyjson_mut_doc_free(talks[i].doc);
    }
    puts(times ? "]" : "");
    fflush(stdout);
    yyjson_doc_free(doc);
}

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

int main(void) {
    static char line[LINE_MAX_BYTES];
    struct clock clock = clock_manual(0);
    const struct stripe_config config = {
        .clock = &clock,
        .url = setting("TALK_URL"),
        .key = setting("TALK_KEY"),
        .webhook_secret = setting("TALK_WEBHOOK_SECRET"),
        .timeout_ms = strtoll(setting("TALK_TIMEOUT_MS"), NULL, 10),
    };
    if (sodium_init() < 0) return 1;
    const char *fault = stripe_config_fault(&config);
    if (fault) {
        fprintf(stderr, "%s\n", fault);
        return 2;
    }
    struct payment *payment = payment_stripe_create(&config);
    while (fgets(line, sizeof line, stdin)) answer_line(payment, &clock, line, strlen(line));
    payment_destroy(payment);
    return 0;
}
