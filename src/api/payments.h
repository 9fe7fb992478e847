/* payments: how charges, refunds and invoices look in answers. */
#pragma once

#include "base/buf.h"
#include "store/invoices.h"
#include "store/payments.h"

void payments_write(struct buf *out, const struct payment_row *row);
/* Without its document. */
void invoices_write(struct buf *out, const struct invoice_row *row);
