-- Words are checked with = and OR: for IN with more than two of them SQLite builds a table, again for every row.

-- The price book: every change is a version, never edited or removed. At a moment, a price is that of the version that
-- started last among those of the workspace, else of everyone's, else the standard (core/prices.h). The newest started
-- version, by (starts_ms, version), names the state of the whole book; 0 is the standard.
CREATE TABLE price_versions (
    version INTEGER NOT NULL PRIMARY KEY, -- grows by one
    workspace_id TEXT NOT NULL, -- '': for every workspace without a price of its own
    price TEXT NOT NULL, -- a name in core/prices.h
    amount INTEGER CHECK (amount >= 0), -- cents; NULL: back to what it was without entries of this workspace_id
    starts_ms INTEGER NOT NULL, -- never before created_ms
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX price_versions_by_workspace ON price_versions (workspace_id, starts_ms, version);
CREATE INDEX price_versions_by_start ON price_versions (starts_ms, version);
INSERT INTO price_versions (workspace_id, price, amount, starts_ms, created_ms)
    SELECT workspace_id, price, amount, updated_ms, updated_ms FROM prices ORDER BY updated_ms, workspace_id, price;

-- What is taken off prices for a while. One promotion at most applies to an order: the one that takes off most.
CREATE TABLE promotions (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE, -- for people: "black-friday"
    workspace_id TEXT NOT NULL, -- '': for every workspace
    kind TEXT NOT NULL CHECK (kind IN ('percent', 'amount', 'free_domains', 'first_month')),
    value INTEGER NOT NULL CHECK (value >= 0), -- percent: 1 to 100; amount: cents; free_domains: how many a workspace; else 0
    starts_ms INTEGER NOT NULL,
    ends_ms INTEGER NOT NULL, -- the first moment without it; an end in the past ends it. 2^63-1: open
    max_orders INTEGER NOT NULL, -- of all workspaces together; 0: any number
    max_orders_each INTEGER NOT NULL, -- of one workspace; 0: any number
    used_orders INTEGER NOT NULL DEFAULT 0, -- reserved and placed ones
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX promotions_by_end ON promotions (ends_ms);

-- How far a workspace has used a promotion; written with the order's reservation and given back with its release.
CREATE TABLE promotion_uses (
    promotion_id TEXT NOT NULL REFERENCES promotions (id),
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    orders INTEGER NOT NULL CHECK (orders >= 0),
    domains INTEGER NOT NULL CHECK (domains >= 0), -- that were free
    PRIMARY KEY (promotion_id, workspace_id)
) STRICT, WITHOUT ROWID;

-- What an order was priced by, and what takes its money.
ALTER TABLE orders ADD COLUMN price_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN promotion_id TEXT NOT NULL DEFAULT ''; -- '': none applied
ALTER TABLE orders ADD COLUMN discount INTEGER NOT NULL DEFAULT 0; -- cents off the list price; `amount` is after it
ALTER TABLE orders ADD COLUMN payment_driver TEXT NOT NULL DEFAULT 'sandbox'; -- driver/payment; also of its refunds
ALTER TABLE orders ADD COLUMN card_brand TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN card_last4 TEXT NOT NULL DEFAULT '';
-- While reserved, the customer may be paying on a page of the payment provider's; '': not opened yet, or charged instead.
ALTER TABLE orders ADD COLUMN checkout_expires_ms INTEGER NOT NULL DEFAULT 0; -- until when; 0: it is charged instead
ALTER TABLE orders ADD COLUMN checkout_url TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN paid_late INTEGER NOT NULL DEFAULT 0; -- 1: paid after it was given up; it goes back whole
ALTER TABLE orders ADD COLUMN checkout_reference TEXT NOT NULL DEFAULT ''; -- the provider's name for it

-- Who takes the money of a card: a name in driver/payment.
ALTER TABLE cards ADD COLUMN driver TEXT NOT NULL DEFAULT 'sandbox';

-- What an order or renewal charges for: one line a domain and kind. The sum of its amounts is what was charged.
CREATE TABLE bill_lines (
    bill_id TEXT NOT NULL, -- of the order or renewal
    position INTEGER NOT NULL, -- from 0
    kind TEXT NOT NULL CHECK (kind = 'domain_year' OR kind = 'domain_month' OR kind = 'mailbox_month'),
    domain_id TEXT NOT NULL REFERENCES domains (id),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    unit INTEGER NOT NULL CHECK (unit >= 0), -- cents, list price
    discount INTEGER NOT NULL CHECK (discount >= 0), -- cents off quantity * unit
    amount INTEGER NOT NULL CHECK (amount >= 0), -- quantity * unit - discount
    from_ms INTEGER NOT NULL, -- the period that is paid for
    to_ms INTEGER NOT NULL, -- its end, not included
    PRIMARY KEY (bill_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX bill_lines_by_domain ON bill_lines (domain_id);

-- Money that moved, or was asked for and declined. Rows are written at the end of a charge or refund and never change,
-- but for a refund that the provider refused and made later.
CREATE TABLE payments (
    id TEXT NOT NULL PRIMARY KEY, -- also the payment provider's idempotency key
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    kind TEXT NOT NULL CHECK (kind IN ('charge', 'refund')),
    bill_kind TEXT NOT NULL CHECK (bill_kind IN ('order', 'renewal')),
    bill_id TEXT NOT NULL, -- the order or renewal that it is about
    driver TEXT NOT NULL,
    reference TEXT NOT NULL, -- the provider's name for it; '' when it has none
    state TEXT NOT NULL CHECK (state IN ('succeeded', 'failed')),
    amount INTEGER NOT NULL CHECK (amount >= 0), -- cents
    decline TEXT NOT NULL, -- payment_failure_reason of a failed charge; '' otherwise
    reason TEXT NOT NULL, -- for people; '' when it succeeded
    brand TEXT NOT NULL, -- of the card; '' when there is none
    last4 TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX payments_by_workspace ON payments (workspace_id, id);
CREATE INDEX payments_by_bill ON payments (bill_id);

-- The double-entry ledger. Debits are positive, credits negative; the entries of one `transaction_id` sum up to 0.
CREATE TABLE ledger_entries (
    seq INTEGER NOT NULL PRIMARY KEY, -- grows by one
    transaction_id TEXT NOT NULL, -- what happened: ORDER or RENEWAL (paid), REFUND/owed, /paid, /dropped, invoice/NUMBER
    -- cash/DRIVER, cash/bank; receivable/WORKSPACE (owed to us, on account); payable/WORKSPACE (refunds not paid out
    -- yet); revenue/domains, revenue/mailboxes (at list price), revenue/unsplit (bills without lines); discounts; refunds
    account TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount <> 0), -- cents
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    subject_kind TEXT NOT NULL
        CHECK (subject_kind = 'order' OR subject_kind = 'renewal' OR subject_kind = 'refund' OR
            subject_kind = 'invoice'),
    subject_id TEXT NOT NULL, -- invoice: its number, when an invoice on account was paid
    at_ms INTEGER NOT NULL
) STRICT;
-- What happened is entered once.
CREATE UNIQUE INDEX ledger_entries_once ON ledger_entries (transaction_id, account);
CREATE TRIGGER ledger_entries_stay BEFORE UPDATE ON ledger_entries BEGIN SELECT RAISE(ABORT, 'ledger entries never change'); END;
CREATE TRIGGER ledger_entries_last BEFORE DELETE ON ledger_entries BEGIN SELECT RAISE(ABORT, 'ledger entries never go'); END;

-- Invoices and credit notes: numbered without a gap, written once.
CREATE TABLE invoices (
    number INTEGER NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    kind TEXT NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    subject_kind TEXT NOT NULL CHECK (subject_kind = 'order' OR subject_kind = 'renewal' OR subject_kind = 'refund'),
    subject_id TEXT NOT NULL,
    total INTEGER NOT NULL, -- cents; of a credit note, what is given back
    driver TEXT NOT NULL, -- 'invoice': to be paid later, on account
    document TEXT NOT NULL, -- JSON, as it is shown
    issued_ms INTEGER NOT NULL,
    UNIQUE (subject_kind, subject_id)
) STRICT;
CREATE INDEX invoices_by_workspace ON invoices (workspace_id, number);
CREATE TRIGGER invoices_stay BEFORE UPDATE ON invoices BEGIN SELECT RAISE(ABORT, 'invoices never change'); END;
CREATE TRIGGER invoices_last BEFORE DELETE ON invoices BEGIN SELECT RAISE(ABORT, 'invoices never go'); END;

-- Who issues them: the setting `seller`, as the server last started with it.
CREATE TABLE seller (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    words TEXT NOT NULL
) STRICT;
INSERT INTO seller (id, words) VALUES (1, '');

-- Invoices on account that were paid.
CREATE TABLE invoice_payments (
    number INTEGER NOT NULL PRIMARY KEY REFERENCES invoices (number),
    amount INTEGER NOT NULL CHECK (amount > 0), -- cents; its total less what was given back on account before
    note TEXT NOT NULL, -- the operator's, such as the bank's reference
    at_ms INTEGER NOT NULL
) STRICT;

-- On account: how much a workspace may owe, and the book of the driver `invoice`.
ALTER TABLE workspaces ADD COLUMN credit_limit INTEGER NOT NULL DEFAULT 0; -- cents; 0: none
CREATE TABLE credit_charges (
    id TEXT NOT NULL PRIMARY KEY, -- the charge's key
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    amount INTEGER NOT NULL CHECK (amount >= 0), -- cents; 0: the key was closed without a charge
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX credit_charges_by_workspace ON credit_charges (workspace_id, amount);
CREATE TABLE credit_refunds (
    id TEXT NOT NULL PRIMARY KEY, -- the refund's key
    charge_id TEXT NOT NULL REFERENCES credit_charges (id),
    amount INTEGER NOT NULL CHECK (amount > 0),
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX credit_refunds_by_charge ON credit_refunds (charge_id);

-- What things cost from period to period, and when the next one begins. renews_ms 0: not renewed (not bought yet,
-- failed, cancelled), or in a renewal that is not paid yet: then renewal_items has the dates.
ALTER TABLE domains ADD COLUMN year_price INTEGER NOT NULL DEFAULT 0; -- cents, list price at the order
ALTER TABLE domains ADD COLUMN month_price INTEGER NOT NULL DEFAULT 0; -- Microsoft: the domain's
ALTER TABLE domains ADD COLUMN paid_years INTEGER NOT NULL DEFAULT 1; -- since it was registered
ALTER TABLE domains ADD COLUMN year_renews_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE domains ADD COLUMN month_renews_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE domains ADD COLUMN swapped_for TEXT NOT NULL DEFAULT ''; -- a failed one: the id of the domain taken instead
ALTER TABLE accounts ADD COLUMN month_price INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN renews_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN suspended_ms INTEGER NOT NULL DEFAULT 0; -- since when it may not be used; 0: it may
ALTER TABLE accounts ADD COLUMN access_change INTEGER NOT NULL DEFAULT 0; -- grows with each suspension and its end
CREATE INDEX domains_year_renewals ON domains (year_renews_ms, workspace_id) WHERE year_renews_ms > 0;
CREATE INDEX domains_month_renewals ON domains (month_renews_ms, workspace_id) WHERE month_renews_ms > 0;
CREATE INDEX accounts_renewals ON accounts (renews_ms, workspace_id) WHERE renews_ms > 0;

-- Renewals: one a workspace and day, with a line a thing (renewal_items), charged together.
CREATE TABLE renewals (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    day_ms INTEGER NOT NULL, -- the day it is for: its first moment in UTC
    part INTEGER NOT NULL, -- 0; more only for things that waited, while this day's was made, for an older one to be paid
    state TEXT NOT NULL
        CHECK (state = 'due' OR state = 'charging' OR state = 'paid' OR state = 'suspended' OR state = 'cancelled' OR
            state = 'void'),
    amount INTEGER NOT NULL CHECK (amount >= 0), -- cents; of what is still wanted, fixed when the charge begins
    failures INTEGER NOT NULL, -- tries that failed
    stage INTEGER NOT NULL, -- those of them that the schedule (core/dunning.h) counts: not the ones asked for in between
    next_ms INTEGER NOT NULL, -- when the schedule goes on
    attempts INTEGER NOT NULL, -- how often it was leased; the lease's number, which its holder has to name
    due_ms INTEGER NOT NULL, -- when it is worked on next; while leased: when the lease ends; once ended: when it ended
    payment_id TEXT NOT NULL, -- of the charge that is under way, or was last; '' before the first
    payment_ms INTEGER NOT NULL, -- when that was written down
    unanswered INTEGER NOT NULL CHECK (unanswered IN (0, 1)), -- 1: it was asked about without a clear answer
    payment_driver TEXT NOT NULL,
    card_token TEXT NOT NULL, -- what that charge is made with, and what may be shown of it
    card_brand TEXT NOT NULL,
    card_last4 TEXT NOT NULL,
    reason TEXT NOT NULL, -- why the last charge failed or is not known yet
    created_ms INTEGER NOT NULL,
    UNIQUE (workspace_id, day_ms, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX renewals_open ON renewals (due_ms) WHERE state IN ('due', 'charging', 'suspended');
CREATE INDEX renewals_by_workspace ON renewals (workspace_id, id);

CREATE TABLE renewal_items (
    renewal_id TEXT NOT NULL REFERENCES renewals (id),
    kind TEXT NOT NULL CHECK (kind = 'domain_year' OR kind = 'domain_month' OR kind = 'mailbox_month'),
    domain_id TEXT NOT NULL REFERENCES domains (id),
    account_id TEXT NOT NULL, -- '': the domain itself
    amount INTEGER NOT NULL CHECK (amount >= 0),
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    is_charged INTEGER NOT NULL CHECK (is_charged IN (0, 1)), -- 1: part of the charge under way, made or last tried
    PRIMARY KEY (renewal_id, domain_id, account_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX renewal_items_by_domain ON renewal_items (domain_id);

-- Money that goes back. What it is for is given back once: the index says so.
CREATE TABLE refunds (
    id TEXT NOT NULL PRIMARY KEY, -- what the payment provider knows it by
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    bill_kind TEXT NOT NULL CHECK (bill_kind IN ('order', 'renewal')),
    bill_id TEXT NOT NULL, -- the order or renewal that took the money
    payment_id TEXT NOT NULL, -- its charge
    payment_driver TEXT NOT NULL,
    domain_id TEXT NOT NULL, -- what it is for; '' and '': a part of the bill that an operator chose
    account_id TEXT NOT NULL, -- '': all that was paid for the domain itself and its mailboxes
    amount INTEGER NOT NULL CHECK (amount > 0), -- cents
    state TEXT NOT NULL -- waiting: may be swapped until due_ms
        CHECK (state = 'waiting' OR state = 'due' OR state = 'running' OR state = 'done' OR state = 'failed' OR
            state = 'swapped'),
    why TEXT NOT NULL, -- for people: what could not be delivered
    attempts INTEGER NOT NULL,
    retries INTEGER NOT NULL DEFAULT 0, -- how often it was asked for again after the provider had refused it
    due_ms INTEGER NOT NULL,
    reason TEXT NOT NULL, -- why it is retried or failed
    created_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL -- 0: open
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX refunds_once ON refunds (bill_id, domain_id, account_id) WHERE domain_id <> '';
CREATE INDEX refunds_by_domain ON refunds (domain_id) WHERE domain_id <> '';
CREATE INDEX refunds_open ON refunds (due_ms) WHERE state IN ('waiting', 'due', 'running');
CREATE INDEX refunds_by_bill ON refunds (bill_id);
CREATE INDEX refunds_by_workspace ON refunds (workspace_id, id);

-- The sandbox's clock: how far it was moved ahead of the system's, and how far it still has to go.
CREATE TABLE sandbox_clock (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    ahead_ms INTEGER NOT NULL,
    target_ahead_ms INTEGER NOT NULL
) STRICT;
INSERT INTO sandbox_clock (id, ahead_ms, target_ahead_ms) VALUES (1, 0, 0);

-- The words of older tables, checked as said at the top: https://www.sqlite.org/lang_altertable.html#otheralter has this
-- way of changing a check.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(sql,
        'type IN (''dfy'', ''pre_warmed_up'', ''extra_accounts'')',
        'type = ''dfy'' OR type = ''pre_warmed_up'' OR type = ''extra_accounts'''),
        'state IN (''reserved'', ''placed'', ''payment_failed'')',
        'state = ''reserved'' OR state = ''placed'' OR state = ''payment_failed''')
    WHERE type = 'table' AND name = 'orders';
UPDATE sqlite_schema SET sql = replace(sql,
        'state IN (''reserved'', ''provisioning'', ''ready'', ''partial'', ''failed'', ''cancelled'')',
        'state = ''reserved'' OR state = ''provisioning'' OR state = ''ready'' OR state = ''partial'' OR state = ''failed'''
            || ' OR state = ''cancelled''')
    WHERE type = 'table' AND name = 'domains';
UPDATE sqlite_schema SET sql = replace(sql,
        'state IN (''reserved'', ''pending'', ''ready'', ''failed'', ''cancelled'')',
        'state = ''reserved'' OR state = ''pending'' OR state = ''ready'' OR state = ''failed'' OR state = ''cancelled''')
    WHERE type = 'table' AND name = 'accounts';
PRAGMA writable_schema = RESET;

-- The same table with two kinds of step more: renew_domain and set_access.
CREATE TABLE new_steps (
    domain_id TEXT NOT NULL REFERENCES domains (id),
    account_id TEXT NOT NULL, -- '': the step is the domain's own
    kind TEXT NOT NULL
        CHECK (kind = 'register_domain' OR kind = 'publish_dns' OR kind = 'create_mailbox' OR
            kind = 'set_forwarding' OR kind = 'remove_mailbox' OR kind = 'renew_domain' OR kind = 'set_access'),
    rank INTEGER NOT NULL, -- steps of a higher rank wait for those of a lower one; core/state.h has the exception
    order_id TEXT NOT NULL REFERENCES orders (id),
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    state TEXT NOT NULL
        CHECK (state = 'blocked' OR state = 'due' OR state = 'running' OR state = 'retrying' OR state = 'done' OR
            state = 'failed' OR state = 'skipped'),
    attempts INTEGER NOT NULL, -- how often it was leased; the last lease's number, which its holder has to name
    due_ms INTEGER NOT NULL, -- when it runs; while running: when its lease ends; once ended: when it ended
    reason TEXT NOT NULL, -- why it is retried, failed or was skipped; '' otherwise
    PRIMARY KEY (domain_id, account_id, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO new_steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms, reason)
    SELECT domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms, reason FROM steps;
DROP TABLE steps;
ALTER TABLE new_steps RENAME TO steps;
CREATE INDEX steps_open ON steps (due_ms) WHERE state = 'due' OR state = 'retrying' OR state = 'running';
CREATE INDEX steps_by_order ON steps (order_id);

-- ---- What was there before ----
-- Orders of before have no lines: what part of their money was for domains was not kept, so it is entered as
-- revenue/unsplit, and their invoices show the total alone. They were all paid at the sandbox.

UPDATE orders SET
    card_brand = COALESCE((SELECT c.brand FROM cards c WHERE c.workspace_id = orders.workspace_id AND c.token = card_token), ''),
    card_last4 = COALESCE((SELECT c.last4 FROM cards c WHERE c.workspace_id = orders.workspace_id AND c.token = card_token), '');

INSERT INTO payments (id, workspace_id, kind, bill_kind, bill_id, driver, reference, state, amount, decline, reason, brand,
                      last4, at_ms)
    SELECT id, workspace_id, 'charge', 'order', id, payment_driver, '',
        CASE state WHEN 'placed' THEN 'succeeded' ELSE 'failed' END, amount, reason, reason, card_brand, card_last4, ended_ms
    FROM orders
    WHERE amount > 0 AND (state = 'placed' OR (state = 'payment_failed' AND reason IN
        ('payment_method_not_supported', 'authentication_required', 'card_expired', 'generic_decline')));

INSERT INTO ledger_entries (transaction_id, account, amount, workspace_id, subject_kind, subject_id, at_ms)
    SELECT id, CASE leg WHEN 1 THEN 'cash/' || payment_driver ELSE 'revenue/unsplit' END, leg * amount, workspace_id,
        'order', id, ended_ms
    FROM orders JOIN (SELECT 1 AS leg UNION ALL SELECT -1)
    WHERE state = 'placed' AND amount > 0 ORDER BY ended_ms, id, leg DESC;

-- The document is that of core/invoice.c, of a bill without lines.
INSERT INTO invoices (number, workspace_id, kind, subject_kind, subject_id, total, driver, document, issued_ms)
    SELECT ROW_NUMBER() OVER (ORDER BY ended_ms, id), workspace_id, 'invoice', 'order', id, amount, payment_driver,
        json_object('number', ROW_NUMBER() OVER (ORDER BY ended_ms, id), 'kind', 'invoice', 'timestamp_issued',
            strftime('%Y-%m-%dT%H:%M:%S', ended_ms / 1000, 'unixepoch') || printf('.%03dZ', ended_ms % 1000), 'currency',
            'USD', 'seller', '', 'customer', json_object('workspace_id', workspace_id, 'name', name), 'order_id', id,
            'items', json('[]'), 'list_price', json(dollars), 'total_discount', 0, 'total', json(dollars), 'payment',
            json_object('method', 'card', 'driver', payment_driver, 'reference', '', 'brand', card_brand, 'last_4_digits',
                card_last4)),
        ended_ms
    FROM (SELECT o.*, w.name, CASE WHEN o.amount % 100 = 0 THEN CAST(o.amount / 100 AS TEXT)
            ELSE rtrim(printf('%d.%02d', o.amount / 100, o.amount % 100), '0') END AS dollars
        FROM orders o JOIN workspaces w ON w.id = o.workspace_id WHERE o.state = 'placed' AND o.amount > 0);

-- From now on things are renewed, at the prices that the book has for their workspace now. Periods that have passed were
-- not paid and are not asked for: the first renewal is the first one of core/calendar.h that is still to come.
CREATE TEMP VIEW book AS
    SELECT w.id AS workspace_id, p.price, COALESCE((SELECT amount FROM prices WHERE workspace_id = w.id AND price = p.price),
        (SELECT amount FROM prices WHERE workspace_id = '' AND price = p.price), p.standard) AS amount
    FROM workspaces w JOIN (SELECT 'domain_year' AS price, 1500 AS standard UNION ALL SELECT 'pre_warmed_domain_year', 1500
        UNION ALL SELECT 'microsoft_domain_month', 2000 UNION ALL SELECT 'google_mailbox_month', 500
        UNION ALL SELECT 'airmail_mailbox_month', 400 UNION ALL SELECT 'microsoft_mailbox_month', 0
        UNION ALL SELECT 'pre_warmed_mailbox_month', 1000) p;
UPDATE domains SET
    year_price = (SELECT amount FROM book b WHERE b.workspace_id = domains.workspace_id
        AND b.price = CASE WHEN is_pre_warmed THEN 'pre_warmed_domain_year' ELSE 'domain_year' END),
    month_price = CASE WHEN provider = 3 AND NOT is_pre_warmed THEN (SELECT amount FROM book b
        WHERE b.workspace_id = domains.workspace_id AND b.price = 'microsoft_domain_month') ELSE 0 END
    WHERE active = 1;
UPDATE accounts SET
    month_price = (SELECT amount FROM book b WHERE b.workspace_id = accounts.workspace_id
        AND b.price = CASE WHEN is_pre_warmed THEN 'pre_warmed_mailbox_month' WHEN provider = 1 THEN 'google_mailbox_month'
            WHEN provider = 2 THEN 'airmail_mailbox_month' ELSE 'microsoft_mailbox_month' END)
    WHERE active = 1;
DROP VIEW book;
DROP TABLE prices;

UPDATE domains SET
    -- How many anniversaries have passed, so that the next one is the first to come; at least the first.
    paid_years = MAX(1, strftime('%Y', 'now') - strftime('%Y', created_ms / 1000, 'unixepoch')
        + (strftime('%m-%d', 'now') >= strftime('%m-%d', created_ms / 1000, 'unixepoch'))),
    month_renews_ms = CASE WHEN provider = 3 AND NOT is_pre_warmed THEN 1 ELSE 0 END,
    year_renews_ms = 1
    WHERE state IN ('provisioning', 'ready', 'partial');
-- The anniversary of 29 February is the last day of the February of its year.
UPDATE domains SET year_renews_ms = 1000 * CASE strftime('%m-%d', created_ms / 1000, 'unixepoch')
        WHEN '02-29' THEN unixepoch(created_ms / 1000, 'unixepoch', 'start of month', '+' || paid_years || ' years',
            '+1 month', '-1 day')
        ELSE unixepoch(created_ms / 1000, 'unixepoch', 'start of day', '+' || paid_years || ' years') END
    WHERE year_renews_ms = 1;
-- The first 15th at least one calendar month after the order, or the next 15th after today when that has passed.
UPDATE domains SET month_renews_ms = 1000 * MAX(
        unixepoch(created_ms / 1000, 'unixepoch', 'start of month',
            CASE WHEN strftime('%d', created_ms / 1000, 'unixepoch') <= '15' THEN '+1 month' ELSE '+2 months' END, '+14 days'),
        unixepoch('now', 'start of month', CASE WHEN strftime('%d', 'now') < '15' THEN '+0 months' ELSE '+1 month' END,
            '+14 days'))
    WHERE month_renews_ms = 1;
UPDATE accounts SET renews_ms = 1000 * MAX(
        unixepoch(created_ms / 1000, 'unixepoch', 'start of month',
            CASE WHEN strftime('%d', created_ms / 1000, 'unixepoch') <= '15' THEN '+1 month' ELSE '+2 months' END, '+14 days'),
        unixepoch('now', 'start of month', CASE WHEN strftime('%d', 'now') < '15' THEN '+0 months' ELSE '+1 month' END,
            '+14 days'))
    WHERE state IN ('pending', 'ready');
