-- Accounts are cancelled by their address.
CREATE INDEX accounts_by_email ON accounts (email);

-- How its web traffic gets there; it says nothing while `forwarding` is ''.
ALTER TABLE domains ADD COLUMN forwarding_mode TEXT NOT NULL DEFAULT 'redirect'
    CHECK (forwarding_mode IN ('redirect', 'stealth'));

-- A change of a domain's forwarding that is under way: what its set_forwarding step works towards. Gone once recorded.
CREATE TABLE forwarding_changes (
    domain_id TEXT NOT NULL PRIMARY KEY REFERENCES domains (id),
    id TEXT NOT NULL, -- of the audit record it will get
    forwarding TEXT NOT NULL, -- '': nowhere
    forwarding_mode TEXT NOT NULL CHECK (forwarding_mode IN ('redirect', 'stealth')),
    is_undo INTEGER NOT NULL CHECK (is_undo IN (0, 1)), -- 1: it goes back to what `domains` says; the client was told so
    is_second INTEGER NOT NULL CHECK (is_second IN (0, 1)), -- 1: it took the place of one that had not ended
    step_state TEXT NOT NULL, -- how the step had ended before
    step_reason TEXT NOT NULL,
    actor_key_id TEXT NOT NULL,
    actor_address TEXT NOT NULL,
    actor_agent TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The same table with one kind of step more.
CREATE TABLE new_steps (
    domain_id TEXT NOT NULL REFERENCES domains (id),
    account_id TEXT NOT NULL, -- '': the step is the domain's own
    kind TEXT NOT NULL
        CHECK (kind IN ('register_domain', 'publish_dns', 'create_mailbox', 'set_forwarding', 'remove_mailbox')),
    rank INTEGER NOT NULL, -- steps of a higher rank wait for those of a lower one; core/state.h has the exception
    order_id TEXT NOT NULL REFERENCES orders (id),
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    state TEXT NOT NULL
        CHECK (state IN ('blocked', 'due', 'running', 'retrying', 'done', 'failed', 'skipped')),
    attempts INTEGER NOT NULL, -- how often it was leased; the last lease's number, which its holder has to name
    due_ms INTEGER NOT NULL, -- when it runs; while running: when its lease ends; once ended: when it ended
    reason TEXT NOT NULL, -- why it is retried, failed or was skipped; '' otherwise
    PRIMARY KEY (domain_id, account_id, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO new_steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms, reason)
    SELECT domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms, reason FROM steps;
DROP TABLE steps;
ALTER TABLE new_steps RENAME TO steps;
CREATE INDEX steps_open ON steps (due_ms) WHERE state IN ('due', 'retrying', 'running');
CREATE INDEX steps_by_order ON steps (order_id);
