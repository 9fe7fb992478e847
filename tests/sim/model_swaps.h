/* model_swaps: another domain stands in the place of one that failed, on its bills too. */
#pragma once

#include "model_books.h"

/* Before the books are checked: takes in what came of the swaps that clients asked for, and no others. */
void model_learn_swaps(struct model *model, const struct seen_books *books);
