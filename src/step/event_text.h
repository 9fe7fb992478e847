/* event_text: an event as clients get it, by webhook or in a stream of events. */
#pragma once

#include "step/world.h"
#include "store/feed.h"

/* The same wherever and however often the event numbered SEQ is told, different from all others, and no count of them:
 * a UUID of version 8 (RFC 9562 section 5.8). */
void event_id(const struct world *world, int64_t seq, char ret_text[UUID_TEXT]);
/* A JSON object: timestamp, event_type, event_id, workspace, organization, and the payload's members. From ARENA. */
struct str event_text(const struct world *world, const struct feed_event *event, struct arena *arena);
