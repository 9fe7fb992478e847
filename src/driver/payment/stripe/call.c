/* One call to Stripe, and lists page by page. */
#include <stdio.h>

#include "driver/payment/stripe/inside.h"

/* A hundred payments with all that Stripe says of them stay far below. */
enum { ANSWER_MAX_BYTES = 8 << 20, PAGE_ITEMS = 100, PAGES_MAX = 100000, ID_BYTES = 128 };

static void call(struct stripe *s, struct web_request *request, struct arena *arena, struct stripe_reply *ret) {
    struct web_reply reply;
    request->timeout_ms = s->timeout_ms;
    request->answer_max_bytes = ANSWER_MAX_BYTES;
    enum web_result result = web_call(s->web, request, arena, &reply);
    stripe_reply_read(result, &reply, arena, ret);
}

void stripe_get(struct stripe *s, struct str path, const struct form *query, struct arena *arena,
                struct stripe_reply *ret) {
    const struct web_header headers[] = {
        {STR("Authorization"), str_of(s->authorization)},
        {STR("Stripe-Version"), STR(STRIPE_VERSION)},
    };
    struct str sent = query ? form_str(query) : STR("");
    struct web_request request = {
        .method = "GET",
        .url = arena_printf(arena, "%s%.*s%s%.*s", s->url, STR_ARG(path), sent.n ? "?" : "", STR_ARG(sent)),
        .headers = headers,
        .n_headers = ARRAY_LEN(headers),
    };
    call(s, &request, arena, ret);
}

void stripe_post(struct stripe *s, struct str path, const struct form *form, struct str idempotency_key,
                 struct arena *arena, struct stripe_reply *ret) {
    const struct web_header headers[] = {
        {STR("Authorization"), str_of(s->authorization)},
        {STR("Stripe-Version"), STR(STRIPE_VERSION)},
        {STR("Content-Type"), STR("application/x-www-form-urlencoded")},
        {STR("Idempotency-Key"), idempotency_key},
    };
    struct web_request request = {
        .method = "POST",
        .url = arena_printf(arena, "%s%.*s", s->url, STR_ARG(path)),
        .body = form ? form_str(form) : STR(""),
        .headers = headers,
        .n_headers = ARRAY_LEN(headers) - (idempotency_key.n == 0),
    };
    call(s, &request, arena, ret);
}

/* What a page holds: false when it is no page of a list. */
static bool read_page(const struct stripe_reply *reply, yyjson_val **ret_data, bool *ret_more) {
    if (reply->kind != STRIPE_OBJECT || !str_is(stripe_text(reply->object, "object"), "list")) return false;
    yyjson_val *data = yyjson_obj_get(reply->object, "data"), *more = yyjson_obj_get(reply->object, "has_more");
    if (!yyjson_is_arr(data) || !yyjson_is_bool(more)) return false;
    *ret_data = data;
    *ret_more = yyjson_get_bool(more);
    return true;
}

enum outcome stripe_list(struct stripe *s, const char *path, stripe_query_fn *query, const void *query_arg,
                         stripe_each_fn *each, void *arg, struct answer *answer) {
    char after[ID_BYTES] = "";
    for (int page = 0; page < PAGES_MAX; page++) {
        CLEANUP(arena_cleanup) struct arena *arena = arena_create(65536);
        CLEANUP(form_finish) struct form form;
        form_init(&form);
        form_int(&form, "limit", PAGE_ITEMS);
        if (query) query(query_arg, &form);
        if (after[0]) form_text(&form, "starting_after", str_of(after));
        struct stripe_reply reply;
        stripe_get(s, str_of(path), &form, arena, &reply);
        yyjson_val *data, *item;
        bool more;
        if (!read_page(&reply, &data, &more)) {
            enum outcome unclear = stripe_unclear(&reply, answer);
            return stripe_is_hopeless(&reply) ? OUTCOME_REFUSED : unclear;
        }
        struct str last = STR("");
        size_t i, n;
        yyjson_arr_foreach(data, i, n, item) {
            last = stripe_text(item, "id");
            if (!stripe_is_id(last, "")) return stripe_unclear(&reply, answer);
            if (!each(arg, item)) return OUTCOME_DONE;
        }
        if (!more) return OUTCOME_DONE;
        if (!last.n || str_is(last, after)) return stripe_unclear(&reply, answer);
        snprintf(after, sizeof after, "%.*s", STR_ARG(last));
    }
    return answer_set(answer, OUTCOME_UNKNOWN, "a list of Stripe's does not end");
}
