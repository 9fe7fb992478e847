/* place_order: POST /api/v2/dfy-email-account-orders. */
#pragma once

#include "api/schema.h"

/* The body, decoded into struct order. */
extern const struct schema place_order_schema;
