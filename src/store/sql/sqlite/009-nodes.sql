-- The oldest program, by the number of the schema that it was made for, that may still work on this one. A program that
-- is older than the schema asks for it; those from before this column never run on a newer one.
ALTER TABLE schema_version ADD COLUMN oldest INTEGER NOT NULL DEFAULT 0;

-- The dfyd processes that serve or work on this database.
CREATE TABLE nodes (
    id TEXT NOT NULL PRIMARY KEY, -- a new one at each start
    name TEXT NOT NULL, -- for people
    version TEXT NOT NULL, -- of the program
    schema INTEGER NOT NULL, -- that the program was made for: what a migration must not lock out
    roles TEXT NOT NULL, -- any of api, worker and edge, separated by one space
    started_ms INTEGER NOT NULL,
    -- When it was heard of last, by the database's clock. A node that shares the database writes it every few seconds; one
    -- that has a file of its own only at its start.
    seen_ms INTEGER NOT NULL,
    still_ms INTEGER NOT NULL DEFAULT -1 -- ahead_ms of the sandbox's clock at which it works on nothing; -1: it may be at work
) STRICT, WITHOUT ROWID;

-- Whether this business was copied from another database, or to one (store/moves.h).
CREATE TABLE moves (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    source TEXT NOT NULL, -- the copy's id
    state TEXT NOT NULL
        CHECK (state = 'kept' OR state = 'leaving' OR state = 'left' OR state = 'copying' OR state = 'done'),
    place TEXT NOT NULL, -- the other database, without a password
    at_ms INTEGER NOT NULL
) STRICT;
