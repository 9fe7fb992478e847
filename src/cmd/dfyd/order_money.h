/* order_money: the money of an order, as `dfyd order show` prints it. */
#pragma once

#include "store/order_view.h"

/* "5.00, promotion black-friday"; empty: none. */
struct str order_money_discount(const struct order_view *view, struct arena *arena);
/* What was sold, and what was charged and given back for it; nothing when there is nothing. */
void order_money_print(const struct order_view *view, struct arena *arena);
