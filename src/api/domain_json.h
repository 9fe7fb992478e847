/* domain_json: what is known of a domain's records, and what was found wrong with it, as it stands in answers. */
#pragma once

#include "base/buf.h"
#include "core/finding.h"
#include "step/zone.h"

/* An array of the lines of all parts. */
void records_json(struct buf *out, const struct zone_report reports[ZONE_PART_END], struct arena *arena);
/* An array. */
void findings_json(struct buf *out, const struct finding *findings, size_t n);
