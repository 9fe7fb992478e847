/* step_json: how steps look in answers. */
#pragma once

#include "base/buf.h"
#include "store/steps.h"

/* A JSON array of them. */
void step_json_list(struct buf *out, const struct step *steps, size_t n);
