-- Who did it: kept with an order, so that whoever settles it can still say so.
ALTER TABLE orders ADD COLUMN actor_key_id TEXT NOT NULL DEFAULT ''; -- '': not by an API key
ALTER TABLE orders ADD COLUMN actor_address TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN actor_agent TEXT NOT NULL DEFAULT '';

-- Every change of state that somebody asked for, written in the transaction that made the change.
CREATE TABLE audit_logs (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    at_ms INTEGER NOT NULL,
    activity TEXT NOT NULL, -- a word of store/audit.h
    key_id TEXT NOT NULL, -- '': not by an API key
    address TEXT NOT NULL, -- of the client; '' on the command line
    user_agent TEXT NOT NULL,
    affected INTEGER NOT NULL, -- how many things were changed
    detail TEXT NOT NULL -- a JSON object
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_logs_by_workspace ON audit_logs (workspace_id, id);

-- The outbox: what happened, in order, written in the transaction in which it happened. Webhooks read it.
CREATE TABLE events (
    seq INTEGER NOT NULL PRIMARY KEY, -- grows by one
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    type TEXT NOT NULL, -- a word of store/events.h
    domain TEXT NOT NULL, -- events of one domain are delivered in order; '': of none
    payload TEXT NOT NULL, -- a JSON object
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_age ON events (created_ms);
