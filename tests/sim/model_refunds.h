/* model_refunds: whether what was paid and could not be delivered went back, all of it and nothing else. */
#pragma once

#include "model_books.h"

/* Once nothing is left to do. */
void model_check_refunds(struct model *model, const struct seen_books *books, const bool *placed);
