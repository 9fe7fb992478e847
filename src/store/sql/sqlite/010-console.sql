-- What the console needs: who is signed in, how the work and the drivers fared, a workspace's orders by age, its domains by name.

-- Who is signed in to the console, by a cookie.
CREATE TABLE sessions (
    hash BLOB NOT NULL PRIMARY KEY, -- BLAKE2b-256 of the cookie's token
    key_id TEXT NOT NULL REFERENCES api_keys (id), -- it may do what this key may, for as long as that is valid
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_key ON sessions (key_id);
CREATE INDEX sessions_by_end ON sessions (expires_ms);

-- How much work there was, a row a minute, of all workspaces; written by one node.
CREATE TABLE queue_minutes (
    minute_ms INTEGER NOT NULL PRIMARY KEY, -- its start
    due INTEGER NOT NULL, -- steps that wait for a worker
    running INTEGER NOT NULL,
    retrying INTEGER NOT NULL, -- that failed and wait for their next try
    late_ms INTEGER NOT NULL -- how long the oldest of the due ones has waited
) STRICT;

-- What the drivers answered, a row a minute and driver; all nodes add to it.
CREATE TABLE driver_minutes (
    minute_ms INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind = 'registrar' OR kind = 'dns' OR kind = 'mailbox' OR kind = 'payment'),
    driver TEXT NOT NULL,
    done INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    slowest_ms INTEGER NOT NULL,
    reason TEXT NOT NULL, -- of the last one that was refused or unknown; '': there was none
    PRIMARY KEY (minute_ms, kind, driver)
) STRICT, WITHOUT ROWID;

CREATE INDEX orders_by_workspace ON orders (workspace_id, id);
CREATE INDEX domains_by_name ON domains (workspace_id, name);
-- What an operator has to look at.
CREATE INDEX steps_failed ON steps (due_ms) WHERE state = 'failed';
CREATE INDEX domain_care_wrong ON domain_care (domain_id) WHERE findings <> '' OR dkim_reason <> '';
