/* POST /api/dfyd/v1/payment-events/{driver} */
#include "api/payment_events.h"

#include "base/log.h"
#include "step/checkout.h"
#include "worker/worker.h"

static bool end_of(const struct call *call, const struct payment_event *event, struct error *reterr) {
    struct checkout order;
    enum checkout_state state;
    if (checkout_look(call->config->world, str_of(event->key), true, call->arena, &order, &state, reterr)) {
        if (state != CHECKOUT_IS_OPEN && call->config->worker) worker_wake(call->config->worker);
        return true;
    }
    if (reterr->code != ERR_NOT_FOUND) return false;
    log_event(LOG_INFO, "notice_of_no_page", LOG_TEXT("notice", event->id), LOG_TEXT("key", event->key),
              LOG_TEXT("next", "nothing"));
    return true;
}

bool payment_event_take(const struct call *call, struct payment *payment, payment_header_fn *header, void *arg,
                        struct str body, struct error *reterr) {
    struct payment_event event;
    struct answer answer = {0};
    switch (payment_read_event(payment, header, arg, body, clock_now(call->config->world->clock), &event, &answer)) {
    case OUTCOME_DONE:
        return !event.key[0] || end_of(call, &event, reterr);
    case OUTCOME_REFUSED:
        log_event(LOG_WARN, "notice_refused", LOG_TEXT("driver", payment->ops->name), LOG_TEXT("reason", answer.reason),
                  LOG_STR("from", call->request->peer), LOG_TEXT("next", "answered 400"));
        return error_set(reterr, ERR_INVALID, "The notice was not taken: %s", answer.reason);
    case OUTCOME_UNKNOWN:
        break;
    }
    return error_set(reterr, ERR_UNAVAILABLE, "The notice cannot be read now: %s", answer.reason);
}

static struct str header_of(void *arg, const char *name) {
    const struct call *call = arg;
    return http_header(call->request, name, NULL);
}

enum http_verdict checkout_defer(struct call *call) {
    (void)call;
    return HTTP_DEFER;
}

void payment_event_run(struct call *call) {
    struct error error = {0};
    struct payment *payment = drivers_payment(call->config->world->drivers, call->parameter);
    if (!payment || !payment->ops->read_event) {
        error_set(&error, ERR_NOT_FOUND, "Resource not found");
        call_refuse(call, &error);
        return;
    }
    if (!payment_event_take(call, payment, header_of, call, call->request->body, &error)) {
        call_fail(call, &error, "");
        return;
    }
    BUF_LIT(&call->response->body, "{\"received\":true}");
    call_answer(call);
}
