/* payments: how charges, refunds and invoices look in answers. */
#pragma once

#include "api/cells.h"
#include "store/invoices.h"
#include "store/payments.h"

void payments_write(struct buf *out, const struct payment_row *row);
/* Without its document: the members of an item, and all of it as JSON. */
void invoices_cells(struct cells *cells, const struct invoice_row *row);
void invoices_write(struct buf *out, const struct invoice_row *row);
