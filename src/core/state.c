#include "core/state.h"

const char *const order_state_names[ORDER_STATE_END] = {
    [ORDER_RESERVED] = "reserved",
    [ORDER_PLACED] = "placed",
    [ORDER_PAYMENT_FAILED] = "payment_failed",
};

const char *const domain_state_names[DOMAIN_STATE_END] = {
    [DOMAIN_RESERVED] = "reserved", [DOMAIN_PROVISIONING] = "provisioning",
    [DOMAIN_READY] = "ready",       [DOMAIN_PARTIAL] = "partial",
    [DOMAIN_FAILED] = "failed",     [DOMAIN_CANCELLED] = "cancelled",
};

const char *const account_state_names[ACCOUNT_STATE_END] = {
    [ACCOUNT_RESERVED] = "reserved", [ACCOUNT_PENDING] = "pending",     [ACCOUNT_READY] = "ready",
    [ACCOUNT_FAILED] = "failed",     [ACCOUNT_CANCELLED] = "cancelled",
};

const char *const step_state_names[STEP_STATE_END] = {
    [STEP_BLOCKED] = "blocked", [STEP_DUE] = "due",       [STEP_RUNNING] = "running", [STEP_RETRYING] = "retrying",
    [STEP_DONE] = "done",       [STEP_FAILED] = "failed", [STEP_SKIPPED] = "skipped",
};

const char *const step_kind_names[STEP_KIND_END] = {
    [STEP_REGISTER_DOMAIN] = "register_domain", [STEP_PUBLISH_DNS] = "publish_dns",
    [STEP_CREATE_MAILBOX] = "create_mailbox",   [STEP_SET_FORWARDING] = "set_forwarding",
    [STEP_REMOVE_MAILBOX] = "remove_mailbox",   [STEP_RENEW_DOMAIN] = "renew_domain",
    [STEP_SET_ACCESS] = "set_access",
};

const char *const forwarding_mode_names[FORWARDING_MODE_END + 1] = {
    [FORWARDING_REDIRECT] = "redirect",
    [FORWARDING_STEALTH] = "stealth",
};

size_t state_by_name(struct str text, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_is(text, names[i])) return i;
    return n;
}

#define TO(state) (1U << (state))

/* A state that is missing here is an end: nothing follows it. */
static const unsigned order_moves[ORDER_STATE_END] = {
    [ORDER_RESERVED] = TO(ORDER_PLACED) | TO(ORDER_PAYMENT_FAILED),
};

static const unsigned step_moves[STEP_STATE_END] = {
    [STEP_BLOCKED] = TO(STEP_DUE) | TO(STEP_SKIPPED),
    [STEP_DUE] = TO(STEP_RUNNING) | TO(STEP_SKIPPED),
    /* Running again: its lease ran out and another worker took it. Due again: its lease was given up. Skipped: what it
     * works on was cancelled, and its holder can record nothing any more. */
    [STEP_RUNNING] =
        TO(STEP_RUNNING) | TO(STEP_DUE) | TO(STEP_RETRYING) | TO(STEP_DONE) | TO(STEP_FAILED) | TO(STEP_SKIPPED),
    [STEP_RETRYING] = TO(STEP_RUNNING) | TO(STEP_SKIPPED),
};

bool order_may_move(enum order_state from, enum order_state to) {
    return order_moves[from] & TO(to);
}

bool step_may_move(enum step_state from, enum step_state to) {
    return step_moves[from] & TO(to);
}

static const struct {
    int rank;
    bool vital;
} kinds[STEP_KIND_END] = {
    [STEP_REGISTER_DOMAIN] = {0, true},
    [STEP_PUBLISH_DNS] = {1, true}, /* no mail reaches a domain without records */
    [STEP_CREATE_MAILBOX] = {2, false},
    [STEP_SET_FORWARDING] = {2, false},
    /* These start as due and hold up nothing, so that no sibling waits for them. */
    [STEP_REMOVE_MAILBOX] = {3, false},
    [STEP_RENEW_DOMAIN] = {3, false},
    [STEP_SET_ACCESS] = {3, false},
};

int step_rank(enum step_kind kind) {
    return kinds[kind].rank;
}

bool step_is_vital(enum step_kind kind) {
    return kinds[kind].vital;
}
