/* place_order: POST /api/v2/dfy-email-account-orders. */
#pragma once

#include "api/schema.h"

/* The body, decoded into struct order. */
extern const struct schema place_order_schema;
/* Of it: one of "accounts", decoded into struct account; what "email_provider" may be, ended by 0. */
extern const struct schema account_schema;
extern const int64_t email_providers[];
