-- As sqlite/010-console.sql, which has the comments.
CREATE TABLE sessions (
    hash BYTEA NOT NULL PRIMARY KEY,
    key_id TEXT COLLATE "C" NOT NULL REFERENCES api_keys (id),
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX sessions_by_key ON sessions (key_id);
CREATE INDEX sessions_by_end ON sessions (expires_ms);
CREATE TABLE queue_minutes (
    minute_ms BIGINT NOT NULL PRIMARY KEY,
    due BIGINT NOT NULL,
    running BIGINT NOT NULL,
    retrying BIGINT NOT NULL,
    late_ms BIGINT NOT NULL
);
CREATE TABLE driver_minutes (
    minute_ms BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind = 'registrar' OR kind = 'dns' OR kind = 'mailbox' OR kind = 'payment'),
    driver TEXT COLLATE "C" NOT NULL,
    done BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    unknown BIGINT NOT NULL,
    slowest_ms BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (minute_ms, kind, driver)
);
CREATE INDEX IF NOT EXISTS orders_by_workspace ON orders (workspace_id, id);
CREATE INDEX IF NOT EXISTS domains_by_name ON domains (workspace_id, name);
CREATE INDEX IF NOT EXISTS steps_failed ON steps (due_ms) WHERE state = 'failed';
CREATE INDEX IF NOT EXISTS domain_care_wrong ON domain_care (domain_id) WHERE findings <> '' OR dkim_reason <> '';
