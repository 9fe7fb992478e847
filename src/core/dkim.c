#include "core/dkim.h"

const char *const dkim_phase_names[DKIM_PHASE_END] = {
    [DKIM_ANNOUNCED] = "announced", [DKIM_SIGNING] = "signing", [DKIM_SOLE] = "sole"};
