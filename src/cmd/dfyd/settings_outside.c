#include "settings.h"

static struct str value_text(const struct settings *settings, const struct setting_row *row, struct arena *arena) {
    const void *at = (const char *)settings + row->offset;
    switch (row->kind) {
    case SETTING_INT:
        return arena_printf(arena, "%lld", (long long)*(const int64_t *)at);
    case SETTING_WORD:
        return str_of(row->words[*(const int64_t *)at]);
    case SETTING_ADDRESS: {
        const struct listen *listen = at;
        return listen->host[0] ? arena_printf(arena, "%s %d", listen->host, (int)listen->port) : STR("");
    }
    case SETTING_PROVIDERS:
        return arena_printf(arena, "%u", *(const unsigned *)at);
    default:
        return str_of(*(const char *const *)at);
    }
}

struct str settings_outside(const struct settings *settings, struct arena *arena) {
    struct str text = STR("");
    for (size_t i = 0; i < SETTING_END; i++) {
        const struct setting_row *row = &setting_rows[i];
        struct str name = str_of(row->name);
        bool is_money = str_starts(name, "payment") || str_starts(name, "stripe");
        if (!row->drivers || is_money || str_contains(name, "_file")) continue;
        text =
            arena_printf(arena, "%.*s%s=%.*s\n", STR_ARG(text), row->name, STR_ARG(value_text(settings, row, arena)));
    }
    return text;
}
