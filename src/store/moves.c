#include "store/moves.h"

#include "base/clock.h"
#include "store/rows.h"

static const char *const words[] = {
    [MOVE_NONE] = "",     [MOVE_KEPT] = "kept",       [MOVE_LEAVING] = "leaving",
    [MOVE_LEFT] = "left", [MOVE_COPYING] = "copying", [MOVE_DONE] = "done",
};

bool move_get(struct db *db, struct arena *arena, struct move *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT source, state, place, at_ms FROM moves WHERE id = 1");
    enum db_step step = stmt_step(stmt, reterr);
    *ret = (struct move){.state = MOVE_NONE};
    if (step != DB_ROW) return step == DB_END;
    ret->source = row_text(stmt, 0, arena);
    ret->state = (enum move_state)row_word(stmt, 1, words, ARRAY_LEN(words));
    ret->place = row_text(stmt, 2, arena);
    ret->at_ms = stmt_col_int(stmt, 3);
    stmt_done(stmt);
    return true;
}

bool move_put(struct db *db, const struct move *move, struct error *reterr) {
    if (move->state == MOVE_NONE) return stmt_run(db_stmt(db, "DELETE FROM moves WHERE id = 1"), NULL, reterr);
    struct stmt *stmt = db_stmt(db, "INSERT INTO moves (id, source, state, place, at_ms) VALUES (1, $1, $2, $3, $4)"
                                    " ON CONFLICT (id) DO UPDATE SET source = excluded.source, state = excluded.state,"
                                    " place = excluded.place, at_ms = excluded.at_ms");
    stmt_text(stmt, 1, move->source);
    stmt_text(stmt, 2, str_of(words[move->state]));
    stmt_text(stmt, 3, move->place);
    stmt_int(stmt, 4, move->at_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool move_check(struct db *db, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct move move;
    char at[TIME_TEXT];
    if (!move_get(db, arena, &move, reterr)) return false;
    time_format(move.at_ms, at);
    switch (move.state) {
    case MOVE_LEFT:
        return error_set(
            reterr, ERR_CONFLICT,
            "this business moved to %.*s at %s: work there, with --db; `dfyd migrate --back` takes this back",
            STR_ARG(move.place), at);
    case MOVE_LEAVING:
        return error_set(
            reterr, ERR_CONFLICT,
            "a move to %.*s was begun at %s and has not ended: run the same `dfyd migrate` again, or take it "
            "back with --back",
            STR_ARG(move.place), at);
    case MOVE_COPYING:
        return error_set(reterr, ERR_CONFLICT,
                         "this database holds half a copy of %.*s, begun at %s: run the same `dfyd migrate` again",
                         STR_ARG(move.place), at);
    default:
        return true;
    }
}
