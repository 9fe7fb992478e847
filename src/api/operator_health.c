/* GET /api/dfyd/v1/operator/health: whether what everything depends on answers. */
#include "api/member.h"
#include "api/operator.h"
#include "store/health.h"
#include "store/migrate.h"
#include "store/minutes.h"
#include "store/nodes.h"

enum { HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS, SECOND_MS = 1000, MIB = 1024 * 1024 };

struct looking {
    struct arena *arena;
    int64_t now_ms;
    bool is_postgres;
    struct driver_health *drivers;
    size_t n_drivers;
    struct payment_outcome *payments;
    size_t n_payments;
    struct node_row *nodes;
    size_t n_nodes;
    struct webhook_health webhooks;
    int64_t bytes;
};

static bool look_read(struct db *db, void *arg, struct error *reterr) {
    struct looking *l = arg;
    l->is_postgres = db_engine(db) == DB_POSTGRES;
    return driver_healths(db, l->now_ms - HOUR_MS, l->now_ms - DAY_MS, l->arena, &l->drivers, &l->n_drivers, reterr) &&
           payment_outcomes(db, l->now_ms - DAY_MS, l->arena, &l->payments, &l->n_payments, reterr) &&
           nodes_list(db, l->arena, &l->nodes, &l->n_nodes, reterr) && webhook_health(db, &l->webhooks, reterr) &&
           database_size(db, &l->bytes, reterr);
}

static void add_count(struct buf *out, const char *name, const struct driver_count *count) {
    buf_printf(out, ",\"%s\":{\"done\":%lld,\"refused\":%lld,\"unknown\":%lld,\"slowest_ms\":%lld}", name,
               (long long)count->done, (long long)count->refused, (long long)count->unknown,
               (long long)count->slowest_ms);
}

static void add_drivers(struct buf *out, const struct looking *l) {
    BUF_LIT(out, "{\"drivers\":[");
    for (size_t i = 0; i < l->n_drivers; i++) {
        const struct driver_health *driver = &l->drivers[i];
        buf_add(out, i ? STR(",{\"kind\":") : STR("{\"kind\":"));
        buf_add_json(out, driver->kind);
        member_text(out, "driver", driver->driver);
        add_count(out, "hour", &driver->hour);
        add_count(out, "day", &driver->day);
        member_text(out, "reason", driver->reason);
        member_time(out, "timestamp_reason", driver->reason_ms);
        BUF_LIT(out, "}");
    }
    BUF_LIT(out, "]");
}

static void add_payments(struct buf *out, const struct looking *l) {
    BUF_LIT(out, ",\"payments\":[");
    for (size_t i = 0; i < l->n_payments; i++) {
        buf_printf(out, "%s{\"outcome\":\"%s\",\"count\":%lld", i ? "," : "", l->payments[i].word,
                   (long long)l->payments[i].n);
        member_money(out, "amount", l->payments[i].amount);
        BUF_LIT(out, "}");
    }
    BUF_LIT(out, "]");
}

/* A node with a file of its own says only at its start that it lives; it is the one that answers. */
static void add_nodes(struct buf *out, const struct looking *l) {
    BUF_LIT(out, ",\"nodes\":[");
    for (size_t i = 0; i < l->n_nodes; i++) {
        const struct node_row *node = &l->nodes[i];
        bool is_alive = !l->is_postgres || node->silent_ms <= NODE_ALIVE_MS;
        buf_add(out, i ? STR(",{\"name\":") : STR("{\"name\":"));
        buf_add_json(out, node->name);
        member_text(out, "version", node->version);
        member_text(out, "roles", node->roles);
        buf_printf(out, ",\"is_alive\":%s", is_alive ? "true" : "false");
        member_time(out, "timestamp_started", node->started_ms);
        member_time(out, "timestamp_seen", l->is_postgres ? node->seen_ms : node->seen_ms + node->silent_ms);
        BUF_LIT(out, "}");
    }
    BUF_LIT(out, "]");
}

static void add_inside(struct buf *out, const struct looking *l) {
    const struct webhook_health *webhooks = &l->webhooks;
    buf_printf(out, ",\"database\":{\"engine\":\"%s\",\"is_up\":true,\"schema\":%lld,\"detail\":\"%.1f MiB\"}",
               l->is_postgres ? "postgresql" : "sqlite", (long long)migrate_newest(), (double)l->bytes / MIB);
    int64_t waits_ms = webhooks->oldest_ms ? l->now_ms - webhooks->oldest_ms : 0;
    buf_printf(out, ",\"webhooks\":{\"active\":%lld,\"off\":%lld,\"waiting\":%lld,\"oldest_seconds\":%lld}}",
               (long long)webhooks->active, (long long)webhooks->off, (long long)webhooks->waiting,
               (long long)(waits_ms > 0 ? waits_ms / SECOND_MS : 0));
}

enum http_verdict operator_health_begin(struct call *call) {
    (void)call;
    return HTTP_DEFER; /* it reads more than a range of an index */
}

void operator_health_run(struct call *call) {
    struct looking looking = {.arena = call->arena, .now_ms = clock_now(call->config->world->clock)};
    if (!list_read_page(call, look_read, &looking)) return;
    struct buf *out = &call->response->body;
    add_drivers(out, &looking);
    add_payments(out, &looking);
    add_nodes(out, &looking);
    add_inside(out, &looking);
    call_answer(call);
}
