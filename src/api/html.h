/* html: pages for people, without scripts and without anything from elsewhere. */
#pragma once

#include "api/call.h"
#include "core/money.h"

/* TEXT with what means something in HTML escaped, in quotes too. */
void html_text(struct buf *out, struct str text);
/* The Content-Security-Policy (CSP 3) of a page that loads nothing: its one style sheet is STYLE_TEXT, and its forms
 * may go to FORMS, a source list. */
void html_policy(struct http_response *response, const char *style_text, const char *forms);
/* Begins the page in the call's response, with the headers that keep it to itself. TITLE is plain text. */
void html_begin(struct call *call, const char *title);
/* Ends it; STATUS is the answer's. */
void html_end(struct call *call, int status);
/* "$25.00" */
void html_money(struct buf *out, cents amount);
