/* payments: how charges, refunds and invoices look in answers. */
#pragma once

#include "base/buf.h"
#include "store/invoices.h"
#include "store/payments.h"

void payments_write(struct buf *out, const struct payment_row *row);
/* Without its document. */
void invoices_write(struct buf *out, const struct invoice_row *row);

/* ,"NAME":VALUE; null when it is empty or 0. */
void payments_add_text(struct buf *out, const char *name, struct str value);
void payments_add_time(struct buf *out, const char *name, int64_t ms);
void payments_add_money(struct buf *out, const char *name, cents amount);
