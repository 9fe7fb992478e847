-- The data dictionary. Types are TEXT, INTEGER (64 bits) and BLOB alone; true and false are 1 and 0.
-- Ids are UUIDs of version 7 as text, so that they sort by age. Times end in _ms: milliseconds since 1970 in UTC.
-- Money is whole US cents. Domain and host names are A-labels in lower case. State words are those of core/state.h.

-- One row that readiness checks write to, to prove that a commit works.
CREATE TABLE heartbeat (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    beats INTEGER NOT NULL
) STRICT;
INSERT INTO heartbeat (id, beats) VALUES (1, 0);

-- What DIR/secret.key sealed at its first use, so that a start with another key, or without it, is refused.
CREATE TABLE vault_proof (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    sealed BLOB NOT NULL
) STRICT;

-- Who orders.
CREATE TABLE workspaces (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    plan_active INTEGER NOT NULL CHECK (plan_active IN (0, 1)), -- 0: every call is answered with 402
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The default payment method of a workspace: the payment provider's name for the card and what may be shown of it.
CREATE TABLE cards (
    workspace_id TEXT NOT NULL PRIMARY KEY REFERENCES workspaces (id),
    token TEXT NOT NULL,
    brand TEXT NOT NULL,
    last4 TEXT NOT NULL,
    name_on_card TEXT NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- API keys. The secret itself is stored nowhere.
CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    hash BLOB NOT NULL UNIQUE, -- BLAKE2b-256 of the secret
    name TEXT NOT NULL,
    scopes TEXT NOT NULL, -- separated by one space
    is_operator INTEGER NOT NULL CHECK (is_operator IN (0, 1)), -- 1: may act for another workspace
    created_ms INTEGER NOT NULL,
    revoked_ms INTEGER NOT NULL -- 0: valid
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_by_workspace ON api_keys (workspace_id, id);

-- The operator's prices over the standard ones.
CREATE TABLE prices (
    workspace_id TEXT NOT NULL, -- '': for every workspace without a price of its own
    price TEXT NOT NULL, -- a name in core/prices.h
    amount INTEGER NOT NULL CHECK (amount >= 0), -- cents
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, price)
) STRICT, WITHOUT ROWID;

-- Orders. Written as reserved before any money moves; then placed (paid) or payment_failed, and never changed again.
CREATE TABLE orders (
    id TEXT NOT NULL PRIMARY KEY, -- also the payment provider's idempotency key
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    type TEXT NOT NULL CHECK (type IN ('dfy', 'pre_warmed_up', 'extra_accounts')),
    state TEXT NOT NULL CHECK (state IN ('reserved', 'placed', 'payment_failed')),
    amount INTEGER NOT NULL CHECK (amount >= 0), -- cents, charged once
    card_token TEXT NOT NULL,
    idempotency_key TEXT NOT NULL, -- '': the client sent none
    answer TEXT NOT NULL, -- what to answer under the idempotency key once paid; '' when the order has ended
    reason TEXT NOT NULL, -- why the payment failed or is not known yet; '' when all is well
    attempts INTEGER NOT NULL, -- how often the payment provider was asked without a clear answer
    settle_after_ms INTEGER NOT NULL, -- while reserved: when anyone may take over and settle it
    created_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL -- 0 while reserved
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_unsettled ON orders (settle_after_ms) WHERE state = 'reserved';

-- Pre-warmed domains for sale.
CREATE TABLE stock (
    domain TEXT NOT NULL PRIMARY KEY,
    provider INTEGER NOT NULL, -- 1 Google, 2 AirMail, 3 Microsoft, here and below
    created_ms INTEGER NOT NULL,
    order_id TEXT REFERENCES orders (id) -- the order that holds or bought it; NULL: for sale
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_by_order ON stock (order_id) WHERE order_id IS NOT NULL;

-- The mailboxes that a pre-warmed domain already has.
CREATE TABLE stock_accounts (
    domain TEXT NOT NULL REFERENCES stock (domain),
    prefix TEXT NOT NULL, -- what stands before the @
    position INTEGER NOT NULL, -- in the order they were listed
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    PRIMARY KEY (domain, prefix)
) STRICT, WITHOUT ROWID;

-- Domains that were ordered. Reserved ones are held by an order whose charge is not known yet.
CREATE TABLE domains (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    order_id TEXT NOT NULL REFERENCES orders (id), -- the one that bought it, not those of extra accounts
    name TEXT NOT NULL,
    provider INTEGER NOT NULL,
    forwarding TEXT NOT NULL, -- where its web traffic goes; '': nowhere
    is_pre_warmed INTEGER NOT NULL CHECK (is_pre_warmed IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('reserved', 'provisioning', 'ready', 'partial', 'failed', 'cancelled')),
    active INTEGER NOT NULL CHECK (active IN (0, 1)), -- 0: the name may be ordered again
    created_ms INTEGER NOT NULL,
    cancelled_ms INTEGER NOT NULL -- 0: not cancelled
) STRICT, WITHOUT ROWID;
-- A domain is sold once, whatever the program does.
CREATE UNIQUE INDEX domains_active_name ON domains (name) WHERE active = 1;
CREATE INDEX domains_by_workspace ON domains (workspace_id, id);
CREATE INDEX domains_by_order ON domains (order_id);

-- Mailboxes that were ordered.
CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY, -- also the mailbox provider's idempotency key
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    domain_id TEXT NOT NULL REFERENCES domains (id),
    order_id TEXT NOT NULL REFERENCES orders (id),
    email TEXT NOT NULL, -- lower case
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    sealed_password BLOB NOT NULL, -- nonce and box; the key is kept outside the database
    provider INTEGER NOT NULL,
    is_pre_warmed INTEGER NOT NULL CHECK (is_pre_warmed IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('reserved', 'pending', 'ready', 'failed', 'cancelled')),
    active INTEGER NOT NULL CHECK (active IN (0, 1)), -- 0: the address may be ordered again
    reason TEXT NOT NULL, -- why it failed; '' otherwise
    created_ms INTEGER NOT NULL,
    cancelled_ms INTEGER NOT NULL -- 0: not cancelled
) STRICT, WITHOUT ROWID;
-- An address is sold once, whatever the program does.
CREATE UNIQUE INDEX accounts_active_email ON accounts (email) WHERE active = 1;
CREATE INDEX accounts_by_workspace ON accounts (workspace_id, id);
CREATE INDEX accounts_by_domain ON accounts (domain_id);
CREATE INDEX accounts_by_order ON accounts (order_id);

-- The work that placed orders still need, and what became of it. A domain's steps run rank by rank.
CREATE TABLE steps (
    domain_id TEXT NOT NULL REFERENCES domains (id),
    account_id TEXT NOT NULL, -- '': the step is the domain's own
    kind TEXT NOT NULL CHECK (kind IN ('register_domain', 'publish_dns', 'create_mailbox', 'set_forwarding')),
    rank INTEGER NOT NULL, -- steps of a higher rank wait for those of a lower one
    order_id TEXT NOT NULL REFERENCES orders (id),
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    state TEXT NOT NULL
        CHECK (state IN ('blocked', 'due', 'running', 'retrying', 'done', 'failed', 'skipped')),
    attempts INTEGER NOT NULL, -- how often it was leased; the last lease's number, which its holder has to name
    due_ms INTEGER NOT NULL, -- when it runs; while running: when its lease ends; once ended: when it ended
    reason TEXT NOT NULL, -- why it is retried, failed or was skipped; '' otherwise
    PRIMARY KEY (domain_id, account_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX steps_open ON steps (due_ms) WHERE state IN ('due', 'retrying', 'running');
CREATE INDEX steps_by_order ON steps (order_id);

-- Answers to requests that carried an Idempotency-Key.
CREATE TABLE idempotency_keys (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    idempotency_key TEXT NOT NULL,
    body_hash BLOB NOT NULL, -- BLAKE2b-256 of the request's body
    state TEXT NOT NULL CHECK (state IN ('running', 'done')),
    answer TEXT NOT NULL, -- '' while running
    updated_ms INTEGER NOT NULL, -- when it was claimed; once done: when it was answered
    PRIMARY KEY (workspace_id, idempotency_key)
) STRICT;
CREATE INDEX idempotency_keys_done ON idempotency_keys (updated_ms) WHERE state = 'done';
