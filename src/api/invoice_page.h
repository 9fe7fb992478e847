/* invoice_page: an invoice or credit note as a page of HTML to read and to print on A4. No script, nothing from
 * elsewhere. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "store/invoices.h"

/* The page's style sheet. */
extern const char invoice_page_style[];
/* Appends the page of what ROW's document says; whether it is paid is ROW's. ERR_INTERNAL when the document is damaged.
 */
MUST_CHECK bool invoice_page_write(struct buf *out, const struct invoice_row *row, struct error *reterr);
