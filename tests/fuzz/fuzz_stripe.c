/*
 * fuzz_stripe: bytes as an answer of Stripe's (status, header fields, body), and as the signature of a notice. Whatever
 * they are: only an answer of 200 with an object is one, only a card error is a decline, and no signature fits.
 */
#include <stdlib.h>

#include <sodium.h>

#include "driver/payment/stripe/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

static void read_answer(int status, struct str head, struct str body, struct arena *arena) {
    const struct web_reply web = {.status = status, .head = head, .body = body, .reason = ""};
    struct stripe_reply reply;
    struct payment_answer answer = {0};
    struct card_facts card;
    stripe_reply_read(WEB_ANSWERED, &web, arena, &reply);
    must((reply.kind == STRIPE_OBJECT) == (reply.object != NULL));
    must(reply.kind != STRIPE_OBJECT || status == 200);
    must(reply.kind != STRIPE_ERROR || status >= 400);
    must(reply.retry_after_ms >= 0);
    must(!stripe_is_decline(&reply) || (status == 402 && !stripe_is_hopeless(&reply)));
    must(stripe_unclear(&reply, &answer.answer) == OUTCOME_UNKNOWN && answer.answer.reason[0]);
    must(stripe_declined(reply.decline_code, reply.code, &answer) == OUTCOME_REFUSED && answer.decline != DECLINE_NONE);
    if (stripe_card_read(reply.object, stripe_id_of(reply.object, "customer"), &card))
        must(strlen(card.name) < sizeof card.name && strlen(card.token) < sizeof card.token);
    struct str id = stripe_text(reply.object, "id");
    if (stripe_is_id(id, "pi_")) must(!memchr(id.p, '/', id.n) && !memchr(id.p, '\0', id.n));
    must(stripe_int(reply.object, "created") >= -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int statuses[] = {200, 400, 402, 404, 429, 500, 302, 0};
    if (size < 1) return 0;
    struct arena *arena = arena_create(4096);
    struct str rest = {(const char *)data + 1, size - 1}, body, head = str_cut(rest, '\0', &body);
    struct str json = STR("Content-Type: application/json\r\n");
    read_answer(statuses[data[0] % ARRAY_LEN(statuses)], head, body, arena);
    read_answer(statuses[data[0] % ARRAY_LEN(statuses)], json, rest, arena);
    struct stripe_token token;
    if (stripe_token_read(rest, &token)) must(token.method.n > 3 && rest.n < 512);
    struct answer answer = {0};
    must(stripe_signature_check(head, STR("whsec_1"), body, INT64_C(1700000000000), &answer) == OUTCOME_REFUSED);
    must(answer.reason[0]);
    arena_destroy(arena);
    return 0;
}
