#include "step/event_text.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum { TEXT_MAX_BYTES = 16384 };

void event_id(const struct world *world, int64_t seq, char ret_text[UUID_TEXT]) {
    unsigned char hash[16], input[16] = "event id";
    for (int i = 0; i < 8; i++) input[8 + i] = (unsigned char)(seq >> (56 - 8 * i));
    crypto_generichash(hash, sizeof hash, input, sizeof input, world->vault->key, sizeof world->vault->key);
    hash[6] = (unsigned char)((hash[6] & 0x0f) | 0x80);
    hash[8] = (unsigned char)((hash[8] & 0x3f) | 0x80);
    char hex[33];
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    snprintf(ret_text, UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static void add_member(struct buf *out, const char *name, struct str value) {
    buf_add_byte(out, ',');
    buf_add_json(out, str_of(name));
    buf_add_byte(out, ':');
    buf_add_json(out, value);
}

struct str event_text(const struct world *world, const struct feed_event *event, struct arena *arena) {
    struct buf out;
    char time[TIME_TEXT], id[UUID_TEXT];
    time_format(event->created_ms, time);
    event_id(world, event->seq, id);
    buf_init(&out, TEXT_MAX_BYTES);
    BUF_LIT(&out, "{\"timestamp\":");
    buf_add_json(&out, str_of(time));
    add_member(&out, "event_type", event->type);
    add_member(&out, "event_id", str_of(id));
    add_member(&out, "workspace", event->workspace_id);
    add_member(&out, "organization", event->workspace_id);
    struct str payload = event->payload;
    if (payload.n > 2) {
        buf_add_byte(&out, ',');
        buf_add(&out, (struct str){payload.p + 1, payload.n - 1});
    } else {
        buf_add_byte(&out, '}');
    }
    struct str text = arena_str(arena, buf_str(&out));
    buf_finish(&out);
    return text;
}
