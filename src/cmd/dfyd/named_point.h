/* named_point: a durable point of a command, as world_reached is one of a step: with test switches,
 * DFYD_CRASH_AT=POINT kills it there (docs/testing.md). */
#pragma once

#include "settings.h"

void named_point(const struct settings *settings, const char *point);
