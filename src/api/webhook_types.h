/* webhook_types: what webhooks can ask to be told of: the reference's words, which nothing here ever sends, and dfyd's
 * own. */
#pragma once

#include "base/buf.h"

struct webhook_type {
    const char *id, *label;
    const char *type; /* "all", "dfy", or of which part of the reference it is */
};

extern const struct webhook_type webhook_types[];
extern const size_t n_webhook_types;

/* For schema_field.fault. */
const char *webhook_type_fault(struct str id);
