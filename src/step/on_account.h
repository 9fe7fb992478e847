/* on_account: the book of the driver `invoice`, kept in the store beside the orders. */
#pragma once

#include "driver/payment/invoice.h"
#include "store/store.h"

struct on_account {
    struct store *store;
    const struct clock *clock;
};

/* The book; ACCOUNT is its arg and must outlive whoever uses it. Not to be called from inside a store call. */
struct credit_book on_account_book(struct on_account *account);
