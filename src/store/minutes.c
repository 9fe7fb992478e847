#include "store/minutes.h"

#include "store/rows.h"

/* ---- the queue ---- */

bool queue_look(struct db *db, int64_t now_ms, struct queue_minute *ret, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "SELECT COALESCE(SUM(CASE WHEN state = 'due' AND due_ms <= $1 THEN 1 ELSE 0 END), 0),"
                    " COALESCE(SUM(CASE WHEN state = 'running' THEN 1 ELSE 0 END), 0),"
                    " COALESCE(SUM(CASE WHEN state = 'retrying' THEN 1 ELSE 0 END), 0),"
                    " MIN(CASE WHEN state <> 'running' AND due_ms <= $1 THEN due_ms END) FROM steps"
                    " WHERE state = 'due' OR state = 'retrying' OR state = 'running'");
    stmt_int(stmt, 1, now_ms);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = (struct queue_minute){
        .minute_ms = now_ms,
        .due = stmt_col_int(stmt, 0),
        .running = stmt_col_int(stmt, 1),
        .retrying = stmt_col_int(stmt, 2),
        .late_ms = stmt_col_is_null(stmt, 3) ? 0 : now_ms - stmt_col_int(stmt, 3),
    };
    stmt_done(stmt);
    return true;
}

bool queue_minute_is_kept(struct db *db, int64_t minute_ms, bool *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT 1 FROM queue_minutes WHERE minute_ms = $1");
    stmt_int(stmt, 1, minute_ms);
    enum db_step step = stmt_step(stmt, reterr);
    stmt_done(stmt);
    *ret = step == DB_ROW;
    return step != DB_FAIL;
}

bool queue_minute_keep(struct db *db, const struct queue_minute *minute, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "INSERT INTO queue_minutes (minute_ms, due, running, retrying, late_ms)"
                                    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (minute_ms) DO NOTHING");
    stmt_int(stmt, 1, minute->minute_ms);
    stmt_int(stmt, 2, minute->due);
    stmt_int(stmt, 3, minute->running);
    stmt_int(stmt, 4, minute->retrying);
    stmt_int(stmt, 5, minute->late_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool queue_minutes(struct db *db, int64_t from_ms, int64_t step_ms, struct arena *arena, struct queue_minute **ret,
                   size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct queue_minute)};
    struct stmt *stmt = db_stmt(db, "SELECT q.at, MAX(q.due), MAX(q.running), MAX(q.retrying), MAX(q.late_ms) FROM"
                                    " (SELECT (minute_ms / $2) * $2 AS at, due, running, retrying, late_ms"
                                    " FROM queue_minutes WHERE minute_ms >= $1) q GROUP BY q.at ORDER BY q.at");
    stmt_int(stmt, 1, from_ms);
    stmt_int(stmt, 2, step_ms);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct queue_minute *)rows_add(&rows, arena) = (struct queue_minute){
            .minute_ms = stmt_col_int(stmt, 0),
            .due = stmt_col_int(stmt, 1),
            .running = stmt_col_int(stmt, 2),
            .retrying = stmt_col_int(stmt, 3),
            .late_ms = stmt_col_int(stmt, 4),
        };
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

/* ---- the drivers ---- */

bool driver_minute_add(struct db *db, const struct driver_minute *minute, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO driver_minutes (minute_ms, kind, driver, done, refused, unknown, slowest_ms, reason)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (minute_ms, kind, driver) DO UPDATE SET"
                    " done = driver_minutes.done + excluded.done, refused = driver_minutes.refused + excluded.refused,"
                    " unknown = driver_minutes.unknown + excluded.unknown, slowest_ms = CASE WHEN"
                    " excluded.slowest_ms > driver_minutes.slowest_ms THEN excluded.slowest_ms"
                    " ELSE driver_minutes.slowest_ms END, reason = CASE excluded.reason WHEN ''"
                    " THEN driver_minutes.reason ELSE excluded.reason END");
    stmt_int(stmt, 1, minute->minute_ms);
    stmt_text(stmt, 2, minute->kind);
    stmt_text(stmt, 3, minute->driver);
    stmt_int(stmt, 4, minute->count.done);
    stmt_int(stmt, 5, minute->count.refused);
    stmt_int(stmt, 6, minute->count.unknown);
    stmt_int(stmt, 7, minute->count.slowest_ms);
    stmt_text(stmt, 8, minute->reason);
    return stmt_run(stmt, NULL, reterr);
}

static struct driver_count read_count(struct stmt *stmt, int column) {
    return (struct driver_count){
        .done = stmt_col_int(stmt, column),
        .refused = stmt_col_int(stmt, column + 1),
        .unknown = stmt_col_int(stmt, column + 2),
        .slowest_ms = stmt_col_int(stmt, column + 3),
    };
}

/* $1: the hour, $2: the day. */
#define TOTAL(number) "CAST(SUM(" number ") AS BIGINT), "
#define IN_HOUR(column) "CASE WHEN m.minute_ms >= $1 THEN m." column " ELSE 0 END"
#define OF_HOUR                                                                                                        \
    TOTAL(IN_HOUR("done")) TOTAL(IN_HOUR("refused")) TOTAL(IN_HOUR("unknown")) "MAX(" IN_HOUR("slowest_ms") "), "
#define OF_DAY TOTAL("m.done") TOTAL("m.refused") TOTAL("m.unknown") "MAX(m.slowest_ms), "
#define LAST(column)                                                                                                   \
    "(SELECT l." column " FROM driver_minutes l WHERE l.kind = m.kind AND l.driver = m.driver AND l.reason <> ''"      \
    " AND l.minute_ms >= $2 ORDER BY l.minute_ms DESC LIMIT 1)"
#define LAST_REASON "COALESCE(" LAST("reason") ", ''), COALESCE(" LAST("minute_ms") ", 0)"

bool driver_healths(struct db *db, int64_t hour_ms, int64_t day_ms, struct arena *arena, struct driver_health **ret,
                    size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct driver_health)};
    struct stmt *stmt = db_stmt(db, "SELECT m.kind, m.driver, " OF_HOUR OF_DAY LAST_REASON
                                    " FROM driver_minutes m WHERE m.minute_ms >= $2 GROUP BY m.kind, m.driver"
                                    " ORDER BY m.kind, m.driver");
    stmt_int(stmt, 1, hour_ms);
    stmt_int(stmt, 2, day_ms);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct driver_health *)rows_add(&rows, arena) = (struct driver_health){
            .kind = row_text(stmt, 0, arena),
            .driver = row_text(stmt, 1, arena),
            .hour = read_count(stmt, 2),
            .day = read_count(stmt, 6),
            .reason = row_text(stmt, 10, arena),
            .reason_ms = stmt_col_int(stmt, 11),
        };
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool minutes_expire(struct db *db, int64_t before_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "DELETE FROM queue_minutes WHERE minute_ms < $1");
    stmt_int(stmt, 1, before_ms);
    if (!stmt_run(stmt, NULL, reterr)) return false;
    stmt = db_stmt(db, "DELETE FROM driver_minutes WHERE minute_ms < $1");
    stmt_int(stmt, 1, before_ms);
    return stmt_run(stmt, NULL, reterr);
}
