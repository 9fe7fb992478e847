/*
 * operator_detail: what the audit log tells of a change of prices, promotions, stock or stuck work, whether a call or a
 * command made it. Each is a JSON object, from ARENA.
 */
#pragma once

#include "store/inventory.h"
#include "store/price_book.h"
#include "store/promotions.h"
#include "store/work.h"

/* MADE is the version that was added; ENDED the one that it put an end to, 0: it set a price. */
struct str operator_price_detail(const struct price_version *made, int64_t ended, struct arena *arena);
struct str operator_promotion_detail(const struct promotion_row *row, struct arena *arena);
/* What answers and the log have in common: ,"name":... to "max_orders_each". */
void operator_promotion_members(struct buf *out, const struct promotion_row *row);
/* Of what was put up for sale: the first names, and how many mailboxes there are in all N. */
struct str operator_stock_detail(const struct stock *stocks, size_t n, struct arena *arena);
/* Of what was done about a thing of WORKSPACE_ID. */
struct str operator_work_detail(enum work_kind kind, struct str id, struct str workspace_id, struct arena *arena);
struct str operator_removed_detail(struct str domain, struct arena *arena);
