#include "driver/payment/stripe/reply.h"

#include <string.h>

#include "driver/web/json.h"

/* ---- reading ---- */

static yyjson_val *read_object(struct str text, struct arena *arena) {
    yyjson_val *root = web_json(text, arena);
    return yyjson_is_obj(root) ? root : NULL;
}

struct str stripe_text(yyjson_val *object, const char *name) {
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_str(value) ? (struct str){yyjson_get_str(value), yyjson_get_len(value)} : STR("");
}

int64_t stripe_int(yyjson_val *object, const char *name) {
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_uint(value) && yyjson_get_uint(value) <= INT64_MAX ? (int64_t)yyjson_get_uint(value) : -1;
}

yyjson_val *stripe_object(yyjson_val *object, const char *name) {
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_obj(value) ? value : NULL;
}

struct str stripe_id_of(yyjson_val *object, const char *name) {
    yyjson_val *expanded = stripe_object(object, name);
    return expanded ? stripe_text(expanded, "id") : stripe_text(object, name);
}

bool stripe_is_id(struct str text, const char *prefix) {
    size_t n = strlen(prefix);
    if (text.n <= n || text.n >= 128 || !str_starts(text, prefix)) return false;
    for (size_t i = n; i < text.n; i++) {
        char c = text.p[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!fits) return false;
    }
    return true;
}

static void read_error(yyjson_val *error, struct stripe_reply *ret) {
    ret->type = stripe_text(error, "type");
    ret->code = stripe_text(error, "code");
    ret->decline_code = stripe_text(error, "decline_code");
    ret->param = stripe_text(error, "param");
    ret->message = stripe_text(error, "message");
    ret->intent = stripe_object(error, "payment_intent");
}

void stripe_reply_read(enum web_result result, const struct web_reply *web, struct arena *arena,
                       struct stripe_reply *ret) {
    enum { RETRY_MAX_S = 3600 };
    int64_t seconds = 0;
    if (!str_to_int(web_reply_header(web, "Retry-After"), 0, RETRY_MAX_S, &seconds)) seconds = 0;
    struct str id = web_reply_header(web, "Request-Id");
    *ret = (struct stripe_reply){
        .kind = STRIPE_SILENT,
        .status = web->status,
        .is_replayed = str_is(web_reply_header(web, "Idempotent-Replayed"), "true"),
        .retry_after_ms = seconds * 1000,
        .request_id = stripe_is_id(id, "req_") ? id : STR(""),
        .reason = web->reason,
    };
    if (result == WEB_TOO_LONG) ret->reason = "its answer is longer than dfyd takes";
    if (result != WEB_ANSWERED) return;
    struct str type = web_reply_header(web, "Content-Type");
    yyjson_val *root = str_starts(type, "application/json") ? read_object(web->body, arena) : NULL;
    if (web->status == 200 && root) {
        ret->kind = STRIPE_OBJECT;
        ret->object = root;
    } else if (web->status >= 400 && web->status < 600 && stripe_object(root, "error")) {
        ret->kind = STRIPE_ERROR;
        read_error(stripe_object(root, "error"), ret);
    } else if (web->status >= 500 && web->status < 600) {
        ret->kind = STRIPE_ERROR;
    } else {
        ret->reason = "what answers there is not Stripe; look at the URL that is set for it";
    }
}

/* ---- judging ---- */

struct decline_row {
    const char *code;
    enum decline decline;
    bool is_told; /* to people; the others would help a thief */
};

/* Codes that stand here neither are DECLINE_GENERIC, and told. */
static const struct decline_row decline_rows[] = {
    {"expired_card", DECLINE_CARD_EXPIRED, true},
    {"authentication_required", DECLINE_AUTHENTICATION_REQUIRED, true},
    {"authentication_not_handled", DECLINE_AUTHENTICATION_REQUIRED, true},
    {"payment_intent_authentication_failure", DECLINE_AUTHENTICATION_REQUIRED, true},
    {"card_not_supported", DECLINE_METHOD_NOT_SUPPORTED, true},
    {"currency_not_supported", DECLINE_METHOD_NOT_SUPPORTED, true},
    {"payment_method_currency_mismatch", DECLINE_METHOD_NOT_SUPPORTED, true},
    {"payment_method_unsupported_type", DECLINE_METHOD_NOT_SUPPORTED, true},
    {"fraudulent", DECLINE_GENERIC, false},
    {"lost_card", DECLINE_GENERIC, false},
    {"stolen_card", DECLINE_GENERIC, false},
    {"pickup_card", DECLINE_GENERIC, false},
    {"restricted_card", DECLINE_GENERIC, false},
    {"merchant_blacklist", DECLINE_GENERIC, false},
};

static const struct decline_row *find_row(struct str code) {
    for (size_t i = 0; i < ARRAY_LEN(decline_rows); i++)
        if (str_is(code, decline_rows[i].code)) return &decline_rows[i];
    return NULL;
}

/* "card_declined" itself says nothing that the decline code does not. */
static const struct decline_row *row_of(struct str decline_code, struct str code) {
    const struct decline_row *row = find_row(decline_code);
    return row ? row : find_row(code);
}

enum decline stripe_decline(struct str decline_code, struct str code) {
    const struct decline_row *row = row_of(decline_code, code);
    return row ? row->decline : DECLINE_GENERIC;
}

enum outcome stripe_declined(struct str decline_code, struct str code, struct payment_answer *answer) {
    static const char *const texts[DECLINE_END] = {
        [DECLINE_METHOD_NOT_SUPPORTED] = "this card cannot be used for this",
        [DECLINE_AUTHENTICATION_REQUIRED] = "the bank wants the cardholder to authenticate",
        [DECLINE_CARD_EXPIRED] = "the card has expired",
        [DECLINE_GENERIC] = "the card was declined",
    };
    const struct decline_row *row = row_of(decline_code, code);
    struct str word = decline_code.n ? decline_code : code;
    answer->decline = row ? row->decline : DECLINE_GENERIC;
    const char *text = texts[answer->decline];
    if ((row && !row->is_told) || !stripe_is_id(word, ""))
        return answer_set(&answer->answer, OUTCOME_REFUSED, "%s", text);
    return answer_set(&answer->answer, OUTCOME_REFUSED, "%s (%.*s)", text, STR_ARG(word));
}

bool stripe_is_decline(const struct stripe_reply *reply) {
    return reply->kind == STRIPE_ERROR && reply->status == 402 && str_is(reply->type, "card_error");
}

bool stripe_is_hopeless(const struct stripe_reply *reply) {
    if (reply->kind != STRIPE_ERROR || (reply->status != 400 && reply->status != 404)) return false;
    if (!str_is(reply->type, "invalid_request_error")) return false;
    /* A key of the wrong mode sees none of the cards, and mending that brings them back. */
    if (str_contains(reply->message, "a similar object exists in")) return false;
    return str_is(reply->param, "payment_method") || str_is(reply->param, "customer") ||
           str_is(reply->code, "amount_too_small") || str_is(reply->code, "amount_too_large");
}

/* A code or parameter's name as it may be shown. */
static struct str shown(struct str text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~') return STR("?");
    return text.n > 60 ? STR("?") : text;
}

static const char *what_to_mend(const struct stripe_reply *reply) {
    if (reply->status == 401) return "the Stripe key is refused; set a valid secret key of the account";
    if (reply->status == 403) return "the Stripe key is not allowed to do this; give it the rights in docs/payments.md";
    if (reply->status == 429) return "Stripe gets too many calls, or is still busy with this one; it is asked again";
    if (reply->status == 409) return "Stripe is still busy with the same call; it is asked again";
    if (str_is(reply->type, "idempotency_error"))
        return "the same idempotency key was used with other values before; look at the payment in Stripe's dashboard";
    if (str_contains(reply->message, "a similar object exists in"))
        return "the Stripe key is of the other mode (test or live) than the card; set the matching one";
    if (reply->status >= 500) return "Stripe failed; it is asked again";
    return NULL;
}

enum outcome stripe_unclear(const struct stripe_reply *reply, struct answer *answer) {
    answer->retry_after_ms = reply->retry_after_ms;
    if (reply->kind == STRIPE_OBJECT)
        return answer_set(answer, OUTCOME_UNKNOWN, "Stripe answered with something else than was asked for");
    if (reply->kind == STRIPE_SILENT)
        return answer_set(answer, OUTCOME_UNKNOWN, "no answer from Stripe: %s", reply->reason ? reply->reason : "");
    const char *mend = what_to_mend(reply);
    if (mend && reply->request_id.n)
        return answer_set(answer, OUTCOME_UNKNOWN, "%s (%d, %.*s)", mend, reply->status, STR_ARG(reply->request_id));
    if (mend) return answer_set(answer, OUTCOME_UNKNOWN, "%s (%d)", mend, reply->status);
    struct str code = shown(reply->code.n ? reply->code : reply->type), param = shown(reply->param);
    return answer_set(answer, OUTCOME_UNKNOWN, "Stripe does not take the call: %d %.*s %.*s; look up %.*s in its log",
                      reply->status, STR_ARG(code), STR_ARG(param),
                      STR_ARG(reply->request_id.n ? reply->request_id : STR("the call")));
}
