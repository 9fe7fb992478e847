#include "core/order.h"

const char *const order_type_names[3] = {
    [ORDER_DFY] = "dfy",
    [ORDER_PRE_WARMED_UP] = "pre_warmed_up",
    [ORDER_EXTRA_ACCOUNTS] = "extra_accounts",
};

const char *const provider_names[PROVIDER_END] = {
    [PROVIDER_NONE] = "none",
    [PROVIDER_GOOGLE] = "Google",
    [PROVIDER_AIRMAIL] = "AirMail",
    [PROVIDER_MICROSOFT] = "Microsoft",
};
