-- The schema of version 9 for PostgreSQL, in one piece; what follows it has a file a version here, as for SQLite. What each
-- table and column is for stands in ../sqlite, in the files whose numbers are named; here is what differs.
--
-- BIGINT stands for INTEGER, BYTEA for BLOB. Text is compared byte by byte, whatever the database's own order: COLLATE "C".
-- Numbers that grow by one there are identities here: they have gaps, and may be committed in another order.
-- Nothing needs a session: no temporary tables, no session locks; so a pool between the nodes and the database does no harm.

-- The texts of a list, for `IN (SELECT value FROM list($1))`.
CREATE FUNCTION list(TEXT[]) RETURNS TABLE (value TEXT) LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20 AS
    'SELECT u FROM unnest($1) u';

-- One row that readiness checks write to (001).
CREATE TABLE heartbeat (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    beats BIGINT NOT NULL
);
INSERT INTO heartbeat (id, beats) VALUES (1, 0);

-- What the secret key sealed at its first use (001).
CREATE TABLE vault_proof (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    sealed BYTEA NOT NULL
);

-- Who orders (001, 004, 007).
CREATE TABLE workspaces (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    plan_active BIGINT NOT NULL CHECK (plan_active IN (0, 1)),
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL DEFAULT 0,
    org_logo_url TEXT COLLATE "C",
    credit_limit BIGINT NOT NULL DEFAULT 0
);

-- The default payment method of a workspace (001, 007).
CREATE TABLE cards (
    workspace_id TEXT COLLATE "C" PRIMARY KEY REFERENCES workspaces (id),
    token TEXT COLLATE "C" NOT NULL,
    brand TEXT COLLATE "C" NOT NULL,
    last4 TEXT COLLATE "C" NOT NULL,
    name_on_card TEXT COLLATE "C" NOT NULL,
    updated_ms BIGINT NOT NULL,
    driver TEXT COLLATE "C" NOT NULL DEFAULT 'sandbox'
);

-- API keys (001, 004). The secret itself is stored nowhere.
CREATE TABLE api_keys (
    id TEXT COLLATE "C" PRIMARY KEY,
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    hash BYTEA NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,
    is_operator BIGINT NOT NULL CHECK (is_operator IN (0, 1)),
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL DEFAULT 0,
    hint TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX api_keys_by_workspace ON api_keys (workspace_id, id);
CREATE INDEX api_keys_valid ON api_keys (workspace_id, id) WHERE revoked_ms = 0;

-- Orders (001, 002, 007). Written as reserved before any money moves.
CREATE TABLE orders (
    id TEXT COLLATE "C" PRIMARY KEY,
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    type TEXT COLLATE "C" NOT NULL CHECK (type IN ('dfy', 'pre_warmed_up', 'extra_accounts')),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('reserved', 'placed', 'payment_failed')),
    amount BIGINT NOT NULL CHECK (amount >= 0),
    card_token TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C" NOT NULL,
    answer TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    settle_after_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,
    actor_key_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    actor_address TEXT COLLATE "C" NOT NULL DEFAULT '',
    actor_agent TEXT COLLATE "C" NOT NULL DEFAULT '',
    price_version BIGINT NOT NULL DEFAULT 0,
    promotion_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    discount BIGINT NOT NULL DEFAULT 0,
    payment_driver TEXT COLLATE "C" NOT NULL DEFAULT 'sandbox',
    card_brand TEXT COLLATE "C" NOT NULL DEFAULT '',
    card_last4 TEXT COLLATE "C" NOT NULL DEFAULT '',
    checkout_expires_ms BIGINT NOT NULL DEFAULT 0,
    checkout_url TEXT COLLATE "C" NOT NULL DEFAULT '',
    paid_late BIGINT NOT NULL DEFAULT 0,
    checkout_reference TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX orders_unsettled ON orders (settle_after_ms) WHERE state = 'reserved';

-- Pre-warmed domains for sale (001); order_id NULL: for sale. Taken by an UPDATE that tests this, so that two orders
-- which come together cannot both have one.
CREATE TABLE stock (
    domain TEXT COLLATE "C" PRIMARY KEY,
    provider BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    order_id TEXT COLLATE "C" REFERENCES orders (id)
);
CREATE INDEX stock_by_order ON stock (order_id) WHERE order_id IS NOT NULL;

-- The mailboxes that a pre-warmed domain already has (001).
CREATE TABLE stock_accounts (
    domain TEXT COLLATE "C" NOT NULL REFERENCES stock (domain),
    prefix TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    first_name TEXT COLLATE "C" NOT NULL,
    last_name TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (domain, prefix)
);

-- Domains that were ordered (001, 005, 007).
CREATE TABLE domains (
    id TEXT COLLATE "C" PRIMARY KEY,
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    order_id TEXT COLLATE "C" NOT NULL REFERENCES orders (id),
    name TEXT COLLATE "C" NOT NULL,
    provider BIGINT NOT NULL,
    forwarding TEXT COLLATE "C" NOT NULL,
    is_pre_warmed BIGINT NOT NULL CHECK (is_pre_warmed IN (0, 1)),
    state TEXT COLLATE "C" NOT NULL
        CHECK (state IN ('reserved', 'provisioning', 'ready', 'partial', 'failed', 'cancelled')),
    active BIGINT NOT NULL CHECK (active IN (0, 1)),
    created_ms BIGINT NOT NULL,
    cancelled_ms BIGINT NOT NULL,
    forwarding_mode TEXT COLLATE "C" NOT NULL DEFAULT 'redirect' CHECK (forwarding_mode IN ('redirect', 'stealth')),
    year_price BIGINT NOT NULL DEFAULT 0,
    month_price BIGINT NOT NULL DEFAULT 0,
    paid_years BIGINT NOT NULL DEFAULT 1,
    year_renews_ms BIGINT NOT NULL DEFAULT 0,
    month_renews_ms BIGINT NOT NULL DEFAULT 0,
    swapped_for TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX domains_active_name ON domains (name) WHERE active = 1;
CREATE INDEX domains_by_workspace ON domains (workspace_id, id);
CREATE INDEX domains_by_order ON domains (order_id);
CREATE INDEX domains_year_renewals ON domains (year_renews_ms, workspace_id) WHERE year_renews_ms > 0;
CREATE INDEX domains_month_renewals ON domains (month_renews_ms, workspace_id) WHERE month_renews_ms > 0;

-- Mailboxes that were ordered (001, 005, 007).
CREATE TABLE accounts (
    id TEXT COLLATE "C" PRIMARY KEY,
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    domain_id TEXT COLLATE "C" NOT NULL REFERENCES domains (id),
    order_id TEXT COLLATE "C" NOT NULL REFERENCES orders (id),
    email TEXT COLLATE "C" NOT NULL,
    first_name TEXT COLLATE "C" NOT NULL,
    last_name TEXT COLLATE "C" NOT NULL,
    sealed_password BYTEA NOT NULL,
    provider BIGINT NOT NULL,
    is_pre_warmed BIGINT NOT NULL CHECK (is_pre_warmed IN (0, 1)),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('reserved', 'pending', 'ready', 'failed', 'cancelled')),
    active BIGINT NOT NULL CHECK (active IN (0, 1)),
    reason TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    cancelled_ms BIGINT NOT NULL,
    month_price BIGINT NOT NULL DEFAULT 0,
    renews_ms BIGINT NOT NULL DEFAULT 0,
    suspended_ms BIGINT NOT NULL DEFAULT 0,
    access_change BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX accounts_active_email ON accounts (email) WHERE active = 1;
CREATE INDEX accounts_by_workspace ON accounts (workspace_id, id);
CREATE INDEX accounts_by_domain ON accounts (domain_id);
CREATE INDEX accounts_by_order ON accounts (order_id);
CREATE INDEX accounts_by_email ON accounts (email);
CREATE INDEX accounts_renewals ON accounts (renews_ms, workspace_id) WHERE renews_ms > 0;
CREATE INDEX accounts_suspended ON accounts (domain_id) WHERE suspended_ms > 0;

-- Answers to requests that carried an Idempotency-Key (001).
CREATE TABLE idempotency_keys (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    idempotency_key TEXT COLLATE "C" NOT NULL,
    body_hash BYTEA NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('running', 'done')),
    answer TEXT COLLATE "C" NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, idempotency_key)
);
CREATE INDEX idempotency_keys_done ON idempotency_keys (updated_ms) WHERE state = 'done';

-- Every change of state that somebody asked for (002, 004).
CREATE TABLE audit_logs (
    id TEXT COLLATE "C" PRIMARY KEY,
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    at_ms BIGINT NOT NULL,
    activity TEXT COLLATE "C" NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    user_agent TEXT COLLATE "C" NOT NULL,
    affected BIGINT NOT NULL,
    detail TEXT COLLATE "C" NOT NULL,
    activity_type BIGINT NOT NULL DEFAULT 40
);
CREATE INDEX audit_logs_by_time ON audit_logs (workspace_id, at_ms, id);
CREATE INDEX audit_logs_by_type ON audit_logs (workspace_id, activity_type, at_ms, id);

-- The outbox (002). seq has gaps, and a smaller one may be committed after a greater one: events_new says which were not
-- handed out to webhooks yet.
CREATE TABLE events (
    seq BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    type TEXT COLLATE "C" NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    payload TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX events_by_age ON events (created_ms);

-- Events that were not handed out to webhooks yet: an entry appears with its event, whenever that is committed.
CREATE TABLE events_new (
    seq BIGINT PRIMARY KEY -- of the event
);
CREATE FUNCTION event_is_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events_new (seq) VALUES (NEW.seq);
    RETURN NULL;
END $$;
CREATE TRIGGER events_are_new AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION event_is_new();

-- Where clients want to be told what happened (003).
CREATE TABLE webhooks (
    id TEXT COLLATE "C" PRIMARY KEY,
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    target TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C",
    event_type TEXT COLLATE "C",
    campaign TEXT COLLATE "C",
    custom_interest_value TEXT COLLATE "C",
    sealed_headers BYTEA,
    created_ms BIGINT NOT NULL,
    after_seq BIGINT NOT NULL,
    status BIGINT NOT NULL CHECK (status IN (1, -1)),
    error_ms BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    failures BIGINT NOT NULL,
    due_ms BIGINT,
    not_before_ms BIGINT NOT NULL,
    lease BIGINT NOT NULL,
    is_leased BIGINT NOT NULL CHECK (is_leased IN (0, 1))
);
CREATE INDEX webhooks_by_workspace ON webhooks (workspace_id, id);
CREATE INDEX webhooks_due ON webhooks (due_ms) WHERE due_ms IS NOT NULL;

-- Events that a webhook has still to deliver (003).
CREATE TABLE deliveries (
    webhook_id TEXT COLLATE "C" NOT NULL REFERENCES webhooks (id),
    seq BIGINT NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    PRIMARY KEY (webhook_id, seq)
);
CREATE INDEX deliveries_by_domain ON deliveries (webhook_id, domain, seq);

-- Whoever hands out events locks this row, so that events of one domain go out in order. seq stays 0 here: see events_new.
CREATE TABLE webhook_cursor (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL
);
INSERT INTO webhook_cursor (id, seq) VALUES (1, 0);

-- What a workspace's deliveries are signed with (003).
CREATE TABLE webhook_secrets (
    workspace_id TEXT COLLATE "C" PRIMARY KEY REFERENCES workspaces (id),
    sealed BYTEA NOT NULL
);

-- Changes of a domain's forwarding that are under way (005).
CREATE TABLE forwarding_changes (
    domain_id TEXT COLLATE "C" PRIMARY KEY REFERENCES domains (id),
    id TEXT COLLATE "C" NOT NULL,
    forwarding TEXT COLLATE "C" NOT NULL,
    forwarding_mode TEXT COLLATE "C" NOT NULL CHECK (forwarding_mode IN ('redirect', 'stealth')),
    is_undo BIGINT NOT NULL CHECK (is_undo IN (0, 1)),
    is_second BIGINT NOT NULL CHECK (is_second IN (0, 1)),
    step_state TEXT COLLATE "C" NOT NULL,
    step_reason TEXT COLLATE "C" NOT NULL,
    actor_key_id TEXT COLLATE "C" NOT NULL,
    actor_address TEXT COLLATE "C" NOT NULL,
    actor_agent TEXT COLLATE "C" NOT NULL
);

-- The operator's restricted and allowed words and domains (006).
CREATE TABLE restrictions (
    entry TEXT COLLATE "C" NOT NULL,
    workspace_id TEXT COLLATE "C" NOT NULL,
    is_allowed BIGINT NOT NULL CHECK (is_allowed IN (0, 1)),
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (entry, workspace_id),
    CHECK (workspace_id = '' OR is_allowed = 1)
);

-- One row that counts their changes (006).
CREATE TABLE restrictions_version (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO restrictions_version (id, version) VALUES (1, 1);

-- The price book (007).
CREATE TABLE price_versions (
    version BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    workspace_id TEXT COLLATE "C" NOT NULL,
    price TEXT COLLATE "C" NOT NULL,
    amount BIGINT CHECK (amount >= 0),
    starts_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX price_versions_by_workspace ON price_versions (workspace_id, starts_ms, version);
CREATE INDEX price_versions_by_start ON price_versions (starts_ms, version);

-- What is taken off prices for a while (007). used_orders grows by an UPDATE that tests max_orders.
CREATE TABLE promotions (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    workspace_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('percent', 'amount', 'free_domains', 'first_month')),
    value BIGINT NOT NULL CHECK (value >= 0),
    starts_ms BIGINT NOT NULL,
    ends_ms BIGINT NOT NULL,
    max_orders BIGINT NOT NULL,
    max_orders_each BIGINT NOT NULL,
    used_orders BIGINT NOT NULL DEFAULT 0,
    created_ms BIGINT NOT NULL
);
CREATE INDEX promotions_by_end ON promotions (ends_ms);

-- How far a workspace has used a promotion (007).
CREATE TABLE promotion_uses (
    promotion_id TEXT COLLATE "C" NOT NULL REFERENCES promotions (id),
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    orders BIGINT NOT NULL CHECK (orders >= 0),
    domains BIGINT NOT NULL CHECK (domains >= 0),
    PRIMARY KEY (promotion_id, workspace_id)
);

-- What an order or renewal charges for (007).
CREATE TABLE bill_lines (
    bill_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('domain_year', 'domain_month', 'mailbox_month')),
    domain_id TEXT COLLATE "C" NOT NULL REFERENCES domains (id),
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    unit BIGINT NOT NULL CHECK (unit >= 0),
    discount BIGINT NOT NULL CHECK (discount >= 0),
    amount BIGINT NOT NULL CHECK (amount >= 0),
    from_ms BIGINT NOT NULL,
    to_ms BIGINT NOT NULL,
    PRIMARY KEY (bill_id, position)
);
CREATE INDEX bill_lines_by_domain ON bill_lines (domain_id);

-- Money that moved, or was asked for and declined (007).
CREATE TABLE payments (
    id TEXT COLLATE "C" PRIMARY KEY,
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('charge', 'refund')),
    bill_kind TEXT COLLATE "C" NOT NULL CHECK (bill_kind IN ('order', 'renewal')),
    bill_id TEXT COLLATE "C" NOT NULL,
    driver TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('succeeded', 'failed')),
    amount BIGINT NOT NULL CHECK (amount >= 0),
    decline TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    brand TEXT COLLATE "C" NOT NULL,
    last4 TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE INDEX payments_by_workspace ON payments (workspace_id, id);
CREATE INDEX payments_by_bill ON payments (bill_id);

-- The double-entry ledger (007). seq has gaps; the order of entries is that of their times.
CREATE TABLE ledger_entries (
    seq BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    transaction_id TEXT COLLATE "C" NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL CHECK (amount <> 0),
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    subject_kind TEXT COLLATE "C" NOT NULL CHECK (subject_kind IN ('order', 'renewal', 'refund', 'invoice')),
    subject_id TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX ledger_entries_once ON ledger_entries (transaction_id, account);

-- Invoices and credit notes (007): numbered without a gap, by invoice_counter, written once.
CREATE TABLE invoices (
    number BIGINT PRIMARY KEY,
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    subject_kind TEXT COLLATE "C" NOT NULL CHECK (subject_kind IN ('order', 'renewal', 'refund')),
    subject_id TEXT COLLATE "C" NOT NULL,
    total BIGINT NOT NULL,
    driver TEXT COLLATE "C" NOT NULL,
    document TEXT COLLATE "C" NOT NULL,
    issued_ms BIGINT NOT NULL,
    UNIQUE (subject_kind, subject_id)
);
CREATE INDEX invoices_by_workspace ON invoices (workspace_id, number);

-- The newest number. Whoever issues an invoice counts it up and holds the row until the end of the transaction, so it is
-- the last thing that a transaction waits for.
CREATE TABLE invoice_counter (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    number BIGINT NOT NULL
);
INSERT INTO invoice_counter (id, number) VALUES (1, 0);

-- Whether the document of an invoice is of this number, total and lines; those of before version 7 have no lines. A document
-- that cannot be read shows nothing.
CREATE FUNCTION invoice_shows(document TEXT, number BIGINT, total BIGINT) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
DECLARE
    shown JSONB;
BEGIN
    shown := document::jsonb;
    RETURN (shown ->> 'number')::bigint IS NOT DISTINCT FROM number
        AND ROUND((shown ->> 'total')::numeric * 100) IS NOT DISTINCT FROM total::numeric
        AND (jsonb_array_length(shown -> 'items') = 0 OR (SELECT SUM(ROUND((l ->> 'amount')::numeric * 100))
            FROM jsonb_array_elements(shown -> 'items') l) IS NOT DISTINCT FROM total::numeric);
EXCEPTION WHEN others THEN
    RETURN false;
END $$;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END $$;
CREATE TRIGGER ledger_entries_stay BEFORE UPDATE ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change('ledger entries never change');
CREATE TRIGGER ledger_entries_last BEFORE DELETE ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change('ledger entries never go');
CREATE TRIGGER ledger_entries_all BEFORE TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('ledger entries never go');
CREATE TRIGGER invoices_stay BEFORE UPDATE ON invoices
    FOR EACH ROW EXECUTE FUNCTION refuse_change('invoices never change');
CREATE TRIGGER invoices_last BEFORE DELETE ON invoices
    FOR EACH ROW EXECUTE FUNCTION refuse_change('invoices never go');
CREATE TRIGGER invoices_all BEFORE TRUNCATE ON invoices
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('invoices never go');

-- Who issues them (007).
CREATE TABLE seller (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    words TEXT COLLATE "C" NOT NULL
);
INSERT INTO seller (id, words) VALUES (1, '');

-- Invoices on account that were paid (007).
CREATE TABLE invoice_payments (
    number BIGINT PRIMARY KEY REFERENCES invoices (number),
    amount BIGINT NOT NULL CHECK (amount > 0),
    note TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL
);

-- The book of the driver `invoice` (007).
CREATE TABLE credit_charges (
    id TEXT COLLATE "C" PRIMARY KEY,
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    amount BIGINT NOT NULL CHECK (amount >= 0),
    at_ms BIGINT NOT NULL
);
CREATE INDEX credit_charges_by_workspace ON credit_charges (workspace_id, amount);

CREATE TABLE credit_refunds (
    id TEXT COLLATE "C" PRIMARY KEY,
    charge_id TEXT COLLATE "C" NOT NULL REFERENCES credit_charges (id),
    amount BIGINT NOT NULL CHECK (amount > 0),
    at_ms BIGINT NOT NULL
);
CREATE INDEX credit_refunds_by_charge ON credit_refunds (charge_id);

-- Renewals (007): one a workspace and day, with a line a thing, charged together.
CREATE TABLE renewals (
    id TEXT COLLATE "C" PRIMARY KEY,
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    day_ms BIGINT NOT NULL,
    part BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('due', 'charging', 'paid', 'suspended', 'cancelled', 'void')),
    amount BIGINT NOT NULL CHECK (amount >= 0),
    failures BIGINT NOT NULL,
    stage BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    payment_id TEXT COLLATE "C" NOT NULL,
    payment_ms BIGINT NOT NULL,
    unanswered BIGINT NOT NULL CHECK (unanswered IN (0, 1)),
    payment_driver TEXT COLLATE "C" NOT NULL,
    card_token TEXT COLLATE "C" NOT NULL,
    card_brand TEXT COLLATE "C" NOT NULL,
    card_last4 TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (workspace_id, day_ms, part)
);
CREATE INDEX renewals_open ON renewals (due_ms) WHERE state IN ('due', 'charging', 'suspended');
CREATE INDEX renewals_by_workspace ON renewals (workspace_id, id);

CREATE TABLE renewal_items (
    renewal_id TEXT COLLATE "C" NOT NULL REFERENCES renewals (id),
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('domain_year', 'domain_month', 'mailbox_month')),
    domain_id TEXT COLLATE "C" NOT NULL REFERENCES domains (id),
    account_id TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    from_ms BIGINT NOT NULL,
    to_ms BIGINT NOT NULL,
    is_charged BIGINT NOT NULL CHECK (is_charged IN (0, 1)),
    PRIMARY KEY (renewal_id, domain_id, account_id, kind)
);
CREATE INDEX renewal_items_by_domain ON renewal_items (domain_id);

-- Money that goes back (007). What it is for is given back once: the index says so.
CREATE TABLE refunds (
    id TEXT COLLATE "C" PRIMARY KEY,
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    bill_kind TEXT COLLATE "C" NOT NULL CHECK (bill_kind IN ('order', 'renewal')),
    bill_id TEXT COLLATE "C" NOT NULL,
    payment_id TEXT COLLATE "C" NOT NULL,
    payment_driver TEXT COLLATE "C" NOT NULL,
    domain_id TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'due', 'running', 'done', 'failed', 'swapped')),
    why TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    retries BIGINT NOT NULL DEFAULT 0,
    due_ms BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX refunds_once ON refunds (bill_id, domain_id, account_id) WHERE domain_id <> '';
CREATE INDEX refunds_by_domain ON refunds (domain_id) WHERE domain_id <> '';
CREATE INDEX refunds_open ON refunds (due_ms) WHERE state IN ('waiting', 'due', 'running');
CREATE INDEX refunds_by_bill ON refunds (bill_id);
CREATE INDEX refunds_by_workspace ON refunds (workspace_id, id);

-- The sandbox's clock (007).
CREATE TABLE sandbox_clock (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    ahead_ms BIGINT NOT NULL,
    target_ahead_ms BIGINT NOT NULL
);
INSERT INTO sandbox_clock (id, ahead_ms, target_ahead_ms) VALUES (1, 0, 0);

-- The work that placed orders still need (001, 005, 007). A domain's steps run rank by rank.
CREATE TABLE steps (
    domain_id TEXT COLLATE "C" NOT NULL REFERENCES domains (id),
    account_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL
        CHECK (kind IN ('register_domain', 'publish_dns', 'create_mailbox', 'set_forwarding',
            'remove_mailbox', 'renew_domain', 'set_access')),
    rank BIGINT NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL REFERENCES orders (id),
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    state TEXT COLLATE "C" NOT NULL
        CHECK (state IN ('blocked', 'due', 'running', 'retrying', 'done', 'failed', 'skipped')),
    attempts BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (domain_id, account_id, kind)
);
CREATE INDEX steps_open ON steps (due_ms) WHERE state = 'due' OR state = 'retrying' OR state = 'running';
CREATE INDEX steps_by_order ON steps (order_id);

-- What dfyd publishes for a domain, part by part (008).
CREATE TABLE zone_parts (
    domain_id TEXT COLLATE "C" NOT NULL REFERENCES domains (id),
    part TEXT COLLATE "C" NOT NULL CHECK (part IN ('mail', 'web')),
    published TEXT COLLATE "C" NOT NULL,
    intended TEXT COLLATE "C",
    overwrite BIGINT NOT NULL CHECK (overwrite IN (0, 1)),
    PRIMARY KEY (domain_id, part)
);

-- What the last server worked with (008).
CREATE TABLE care_settings (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    settings TEXT COLLATE "C" NOT NULL
);
INSERT INTO care_settings (id, settings) VALUES (1, '');

-- The care for a domain in use (008).
CREATE TABLE domain_care (
    domain_id TEXT COLLATE "C" PRIMARY KEY REFERENCES domains (id),
    due_ms BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    is_leased BIGINT NOT NULL CHECK (is_leased IN (0, 1)),
    dkim_rotation BIGINT NOT NULL,
    dkim_phase TEXT COLLATE "C" NOT NULL CHECK (dkim_phase IN ('announced', 'signing', 'sole')),
    dkim_since_ms BIGINT NOT NULL,
    dkim_again_ms BIGINT NOT NULL,
    dkim_tries BIGINT NOT NULL,
    dkim_reason TEXT COLLATE "C" NOT NULL,
    checked_ms BIGINT NOT NULL,
    check_again_ms BIGINT NOT NULL,
    check_tries BIGINT NOT NULL,
    unclear_since_ms BIGINT NOT NULL,
    unclear_reason TEXT COLLATE "C" NOT NULL,
    findings TEXT COLLATE "C"
);
CREATE INDEX domain_care_due ON domain_care (due_ms);

-- Names that the edge may serve differently than before (008). version is the number of the transaction that changed it,
-- and a reader goes on where its snapshot says that all earlier transactions have ended: so what is committed late is
-- read, too. store/edge_names.c drops the oldest rows.
CREATE TABLE edge_changes (
    version BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (version, name)
);
INSERT INTO edge_changes (version, name) VALUES (1, ''); -- so that there always is an oldest one
CREATE FUNCTION edge_name_changed(name TEXT) RETURNS void LANGUAGE sql AS $$
    INSERT INTO edge_changes (version, name) VALUES (pg_current_xact_id()::text::bigint, $1) ON CONFLICT DO NOTHING
$$;

CREATE FUNCTION edge_domain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM edge_name_changed(CASE WHEN TG_OP = 'DELETE' THEN OLD.name ELSE NEW.name END);
    RETURN NULL;
END $$;
CREATE TRIGGER edge_domain_made AFTER INSERT ON domains FOR EACH ROW WHEN (NEW.state <> 'reserved')
    EXECUTE FUNCTION edge_domain();
CREATE TRIGGER edge_domain_changed AFTER UPDATE OF forwarding, forwarding_mode, state, active ON domains FOR EACH ROW
    WHEN ((NEW.state <> 'reserved' OR OLD.state <> 'reserved') AND
        (NEW.forwarding <> OLD.forwarding OR NEW.forwarding_mode <> OLD.forwarding_mode OR NEW.state <> OLD.state OR
            NEW.active <> OLD.active))
    EXECUTE FUNCTION edge_domain();
CREATE TRIGGER edge_domain_gone AFTER DELETE ON domains FOR EACH ROW WHEN (OLD.state <> 'reserved')
    EXECUTE FUNCTION edge_domain();

CREATE FUNCTION edge_domain_of() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM edge_name_changed(d.name) FROM domains d WHERE d.id = NEW.domain_id;
    RETURN NULL;
END $$;
CREATE TRIGGER edge_account_changed AFTER UPDATE OF suspended_ms, state ON accounts FOR EACH ROW
    WHEN (NEW.suspended_ms <> OLD.suspended_ms OR (NEW.suspended_ms > 0 AND NEW.state <> OLD.state))
    EXECUTE FUNCTION edge_domain_of();
CREATE TRIGGER edge_domain_registered AFTER UPDATE OF state ON steps FOR EACH ROW
    WHEN (NEW.kind = 'register_domain' AND NEW.state = 'done' AND OLD.state <> 'done')
    EXECUTE FUNCTION edge_domain_of();

-- The dfyd processes that serve or work on this database (009).
CREATE TABLE nodes (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    schema BIGINT NOT NULL,
    roles TEXT COLLATE "C" NOT NULL,
    started_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    still_ms BIGINT NOT NULL DEFAULT -1
);

-- A change that was sent for commit without an answer is asked about by its mark: whoever can insert the mark again knows
-- that it never happened, and never will.
CREATE TABLE write_marks (
    id TEXT COLLATE "C" PRIMARY KEY, -- a UUID of version 7; those older than a day are deleted
    closed BIGINT NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)) -- 1: by who asked, and not by the transaction itself
);

-- How much of a window of a workspace's rate limits all nodes have taken. Not written to the log: after a crash or a
-- failover of the database the windows begin anew. A row for each limit of a workspace, used again for each window.
CREATE UNLOGGED TABLE rate_windows (
    workspace_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL, -- which of its limits
    began_ms BIGINT NOT NULL, -- when the newest window began, by the database's clock
    taken BIGINT NOT NULL, -- requests in it that passed somewhere, or may
    PRIMARY KEY (workspace_id, kind)
) WITH (fillfactor = 50);

-- A share of a window for a node, as core/share.h words it: of at most `most` requests in lasts_ms. The node's own window
-- began age_ms ago, and `own` requests have passed there since; `waiting` wait for an answer, and `extra` are asked for on
-- top, of what is left after the others of `nodes` have had as much.
CREATE FUNCTION rate_take(of_workspace TEXT, of_kind TEXT, most BIGINT, lasts_ms BIGINT, age_ms BIGINT, own BIGINT,
    waiting BIGINT, extra BIGINT, nodes BIGINT) RETURNS TABLE (given BIGINT, rest BIGINT, ends_in_ms BIGINT)
    LANGUAGE plpgsql AS $$
DECLARE
    has RECORD;
    now_ms BIGINT;
    began BIGINT;
    had BIGINT := 0;
    room BIGINT;
BEGIN
    INSERT INTO rate_windows VALUES (of_workspace, of_kind, 0, 0) ON CONFLICT (workspace_id, kind) DO NOTHING;
    SELECT r.began_ms, r.taken INTO has FROM rate_windows r WHERE r.workspace_id = of_workspace AND r.kind = of_kind
        FOR UPDATE;
    now_ms := floor(extract(epoch FROM clock_timestamp()) * 1000);
    IF now_ms < has.began_ms + lasts_ms AND now_ms >= has.began_ms - lasts_ms THEN
        began := has.began_ms;
        had := has.taken;
    ELSIF now_ms < has.began_ms THEN -- the clock was set back
        began := now_ms - age_ms;
    ELSE
        began := greatest(now_ms - age_ms, has.began_ms + lasts_ms);
    END IF;
    IF now_ms - age_ms >= began THEN
        had := had + own;
    END IF;
    room := greatest(most - had, 0);
    given := least(room, waiting + least(extra, room / nodes));
    rest := room - given;
    ends_in_ms := began + lasts_ms - now_ms;
    UPDATE rate_windows r SET began_ms = began, taken = had + given
        WHERE r.workspace_id = of_workspace AND r.kind = of_kind;
    RETURN NEXT;
END $$;

-- Whether this business was copied from another database (009).
CREATE TABLE moves (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    source TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('kept', 'leaving', 'left', 'copying', 'done')),
    place TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL
);
