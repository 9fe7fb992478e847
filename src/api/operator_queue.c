/* GET /api/dfyd/v1/operator/queue: how much work waits, now and over time. */
#include <stddef.h>

#include "api/member.h"
#include "api/operator.h"
#include "store/minutes.h"

enum { HOUR_MS = 60 * MINUTE_MS, SECOND_MS = 1000, FINE_HOURS = 6, DAY_HOURS = 24 };

struct asked {
    int64_t hours;
};

static const struct schema_field fields[] = {
    SCHEMA_RANGE(asked, hours, 1, MINUTES_KEPT_MS / HOUR_MS, DAY_HOURS),
};
static const struct schema schema = {fields, ARRAY_LEN(fields), sizeof(struct asked)};

struct looking {
    struct arena *arena;
    int64_t now_ms, from_ms, step_ms;
    struct queue_minute now, *rows;
    size_t n;
};

/* So that a plot has a few hundred points, whatever it spans. */
static int64_t step_of(int64_t hours) {
    if (hours <= FINE_HOURS) return MINUTE_MS;
    return hours <= DAY_HOURS ? 5 * MINUTE_MS : 30 * MINUTE_MS;
}

static bool look_read(struct db *db, void *arg, struct error *reterr) {
    struct looking *l = arg;
    return queue_look(db, l->now_ms, &l->now, reterr) &&
           queue_minutes(db, l->from_ms, l->step_ms, l->arena, &l->rows, &l->n, reterr);
}

static void add_numbers(struct buf *out, const struct queue_minute *minute) {
    buf_printf(out, "\"due\":%lld,\"running\":%lld,\"retrying\":%lld,\"late_seconds\":%lld}", (long long)minute->due,
               (long long)minute->running, (long long)minute->retrying, (long long)(minute->late_ms / SECOND_MS));
}

enum http_verdict operator_queue_begin(struct call *call) {
    return operator_defer(call, &schema); /* it counts all that is open */
}

void operator_queue_run(struct call *call) {
    const struct asked *asked = call->order;
    int64_t now_ms = clock_now(call->config->world->clock), step_ms = step_of(asked->hours);
    struct looking looking = {
        .arena = call->arena,
        .now_ms = now_ms,
        .from_ms = (now_ms - asked->hours * HOUR_MS) / step_ms * step_ms,
        .step_ms = step_ms,
    };
    if (!list_read_page(call, look_read, &looking)) return;
    struct buf *out = &call->response->body;
    buf_printf(out, "{\"hours\":%lld,\"step_seconds\":%lld,\"now\":{", (long long)asked->hours,
               (long long)(step_ms / SECOND_MS));
    add_numbers(out, &looking.now);
    BUF_LIT(out, ",\"items\":[");
    for (size_t i = 0; i < looking.n; i++) {
        buf_add(out, i ? STR(",{\"timestamp\":") : STR("{\"timestamp\":"));
        list_add_time(out, looking.rows[i].minute_ms);
        buf_add_byte(out, ',');
        add_numbers(out, &looking.rows[i]);
    }
    BUF_LIT(out, "]}");
    call_answer(call);
}
