/* webhook_body: webhooks as clients write and read them. */
#pragma once

#include "api/call.h"
#include "api/schema.h"
#include "store/webhooks.h"

/* A text whose p is NULL, and headers that are NULL, are null in JSON. */
struct webhook_asked {
    struct str target, campaign, name, event_type, custom_interest_value;
    struct schema_entry *headers;
    size_t n_headers;
    bool has_target, has_campaign, has_name, has_event_type, has_custom_interest_value, has_headers;
};

/* Reads the body of a creation, or of a change, where nothing is required. ERR_INVALID, also for a target or header
 * fields that nothing may be sent to. */
MUST_CHECK bool webhook_body_read(const struct call *call, bool is_change, struct webhook_asked *ret,
                                  struct error *reterr);
/* Puts what was given into WEBHOOK; header fields are sealed. */
void webhook_body_apply(const struct call *call, const struct webhook_asked *asked, struct webhook *webhook);
/* Writes the reference's Webhook. False when the header fields cannot be opened. */
MUST_CHECK bool webhook_body_write(const struct call *call, const struct webhook *webhook, struct buf *out,
                                   struct error *reterr);
