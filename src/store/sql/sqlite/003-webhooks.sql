-- Where clients want to be told what happened.
CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    target TEXT NOT NULL, -- an http or https URL
    name TEXT, -- NULL: none, here and in the next four
    event_type TEXT, -- 'all_events' or one type
    campaign TEXT,
    custom_interest_value TEXT, -- a number as JSON
    sealed_headers BLOB, -- header fields to send, as lines NAME:VALUE; the vault's, for they may hold passwords
    created_ms INTEGER NOT NULL,
    after_seq INTEGER NOT NULL, -- the newest event when it was made; only later ones are meant for it
    status INTEGER NOT NULL CHECK (status IN (1, -1)), -- 1: active, -1: switched off after failures
    error_ms INTEGER NOT NULL, -- when it was switched off; 0 while active
    reason TEXT NOT NULL, -- why the last delivery failed; '' once one succeeded
    failures INTEGER NOT NULL, -- failed deliveries in a row
    due_ms INTEGER, -- when there is something to deliver; while leased: when the lease ends; NULL: nothing to do
    not_before_ms INTEGER NOT NULL, -- while its receiver seems dead it is left alone until then
    lease INTEGER NOT NULL, -- grows with every lease; its holder has to name it
    is_leased INTEGER NOT NULL CHECK (is_leased IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX webhooks_by_workspace ON webhooks (workspace_id, id);
CREATE INDEX webhooks_due ON webhooks (due_ms) WHERE due_ms IS NOT NULL;

-- Events that a webhook has still to deliver. Delivered ones are deleted. Those of one domain go out in order.
CREATE TABLE deliveries (
    webhook_id TEXT NOT NULL REFERENCES webhooks (id),
    seq INTEGER NOT NULL, -- of the event
    domain TEXT NOT NULL, -- the event's
    attempts INTEGER NOT NULL, -- how often it failed
    due_ms INTEGER NOT NULL, -- 0: at once; else when it is tried again
    PRIMARY KEY (webhook_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_domain ON deliveries (webhook_id, domain, seq);

-- How far the events were handed out to webhooks.
CREATE TABLE webhook_cursor (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO webhook_cursor (id, seq) VALUES (1, 0);

-- What a workspace's deliveries are signed with; sealed by the vault.
CREATE TABLE webhook_secrets (
    workspace_id TEXT NOT NULL PRIMARY KEY REFERENCES workspaces (id),
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
