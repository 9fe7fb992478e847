-- What dfyd publishes for a domain, part by part (core/zone.h). The records of `published` are known to be served as they
-- stand here; those of `intended` may be: a change towards them was begun, and its end is not known.
CREATE TABLE zone_parts (
    domain_id TEXT NOT NULL REFERENCES domains (id),
    part TEXT NOT NULL CHECK (part = 'mail' OR part = 'web'),
    published TEXT NOT NULL, -- a line a value: NAME TAB TYPE TAB TTL TAB VALUE
    intended TEXT, -- the same; NULL: no change is under way
    overwrite INTEGER NOT NULL CHECK (overwrite = 0 OR overwrite = 1), -- 1: what was changed by hand is changed back, once
    PRIMARY KEY (domain_id, part)
) STRICT, WITHOUT ROWID;

-- The care for a domain in use: checks, and changes of its DKIM keys (driver/mailbox/mailbox.h).
CREATE TABLE domain_care (
    domain_id TEXT NOT NULL PRIMARY KEY REFERENCES domains (id),
    dkim_rotation INTEGER NOT NULL, -- number of the newest key, from 1
    dkim_phase TEXT NOT NULL CHECK (dkim_phase = 'announced' OR dkim_phase = 'signing' OR dkim_phase = 'sole'),
    dkim_since_ms INTEGER NOT NULL, -- when that phase was reached
    dkim_due_ms INTEGER NOT NULL, -- when the next move is made
    check_due_ms INTEGER NOT NULL, -- when it is checked next
    checked_ms INTEGER NOT NULL, -- when it was checked last; 0: never
    findings TEXT NOT NULL, -- what the last check found wrong, a line each; '': nothing
    attempts INTEGER NOT NULL, -- how often it was leased; its holder has to name the number
    lease_until_ms INTEGER NOT NULL -- 0: nobody is at it
) STRICT, WITHOUT ROWID;
CREATE INDEX domain_care_dkim_due ON domain_care (dkim_due_ms);
CREATE INDEX domain_care_check_due ON domain_care (check_due_ms);
