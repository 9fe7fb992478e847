#include "renewal.h"

#include "commands.h"
#include "core/calendar.h"
#include "operate.h"
#include "text.h"
#include "who.h"

static struct str day_of(int64_t ms, struct arena *arena) {
    char text[CALENDAR_TEXT];
    calendar_format(ms, text);
    return arena_str(arena, str_of(text));
}

/* What is done about one that is not paid, and when. */
static struct str next_of(const struct renewal_row *r, struct arena *arena) {
    bool is_open = r->state == RENEWAL_DUE || r->state == RENEWAL_CHARGING || r->state == RENEWAL_SUSPENDED;
    if (!is_open) return STR("");
    const char *what = r->cancels ? "cancel" : r->state == RENEWAL_CHARGING ? "ask" : "try";
    return arena_printf(arena, "%s at %.*s", what, STR_ARG(text_second(r->due_ms, arena)));
}

void renewal_table_add(struct table *table, const struct renewal_row *r, struct str workspace, struct arena *arena) {
    table_add(table, (const struct str[]){
                         r->id,
                         day_of(r->day_ms, arena),
                         workspace,
                         text_amount(r->amount, arena),
                         str_of(renewal_state_names[r->state]),
                         arena_printf(arena, "%lld", (long long)r->failures),
                         next_of(r, arena),
                         r->reason,
                     });
}

const char *const renewal_table_titles[] = {"ID",     "DAY",  "WORKSPACE", "AMOUNT", "STATE",
                                            "FAILED", "NEXT", "REASON",    NULL};

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    struct listing *l = arg;
    struct renewal_row *rows;
    size_t n;
    if (!renewals_list(db, l->stuck, STR(""), l->max, l->arena, &rows, &n, reterr)) return false;
    l->table = table_create(l->arena, renewal_table_titles);
    for (size_t i = 0; i < n; i++)
        renewal_table_add(l->table, &rows[i], who_of(db, rows[i].workspace_id, l->arena), l->arena);
    return true;
}

bool run_renewal_list(const struct invocation *invocation, struct error *reterr) {
    return operate_list(invocation, list_read, reterr);
}

bool run_renewal_retry(const struct invocation *invocation, struct error *reterr) {
    return operate_retry(invocation, WORK_RENEWAL, renewal_retry, reterr);
}
