-- What dfyd publishes for a domain, part by part (core/zone.h). The records of `published` are known to be served as they
-- stand here; any of the states in `intended` may be: a change towards it was begun, and its end is not known.
CREATE TABLE zone_parts (
    domain_id TEXT NOT NULL REFERENCES domains (id),
    part TEXT NOT NULL CHECK (part = 'mail' OR part = 'web'),
    published TEXT NOT NULL, -- a line a value: NAME TAB TYPE TAB TTL TAB VALUE
    intended TEXT, -- the same for each state, and an empty line after it; NULL: no change is under way
    overwrite INTEGER NOT NULL CHECK (overwrite = 0 OR overwrite = 1), -- 1: what was changed by hand is changed back, once
    PRIMARY KEY (domain_id, part)
) STRICT, WITHOUT ROWID;

-- What the last server worked with, a line `name=value` for each setting of DNS, mail host and edge: a command with other
-- settings would find every domain wrong.
CREATE TABLE care_settings (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    settings TEXT NOT NULL -- '': none was started yet
) STRICT;
INSERT INTO care_settings (id, settings) VALUES (1, '');

-- The care for a domain in use: checks, and changes of its DKIM keys (core/dkim.h). It goes with the domain.
CREATE TABLE domain_care (
    domain_id TEXT NOT NULL PRIMARY KEY REFERENCES domains (id),
    due_ms INTEGER NOT NULL, -- when the next check or move is due, by the two below; while leased: when the lease ends
    attempts INTEGER NOT NULL, -- how often it was leased; its holder has to name the number
    is_leased INTEGER NOT NULL CHECK (is_leased = 0 OR is_leased = 1),
    dkim_rotation INTEGER NOT NULL, -- number of the newest key, from 1; 0: dfyd did not publish its mail records
    dkim_phase TEXT NOT NULL CHECK (dkim_phase = 'announced' OR dkim_phase = 'signing' OR dkim_phase = 'sole'),
    dkim_since_ms INTEGER NOT NULL, -- when that phase was reached; 0: it is being worked towards
    dkim_again_ms INTEGER NOT NULL, -- when the next move of a rotation under way is made or tried; 0: none is
    dkim_tries INTEGER NOT NULL, -- that failed, of this move
    dkim_reason TEXT NOT NULL, -- why it is not made yet; '' when all is well
    checked_ms INTEGER NOT NULL, -- when it was checked last; before: when it came into use
    check_again_ms INTEGER NOT NULL, -- when a check without a clear answer is tried again; 0: at the usual time
    check_tries INTEGER NOT NULL, -- without a clear answer, of this check
    unclear_since_ms INTEGER NOT NULL, -- since when something could not be checked; 0: all could
    unclear_reason TEXT NOT NULL, -- why not
    findings TEXT -- what the last check found wrong (core/finding.h), '' for nothing; NULL: it was never checked
) STRICT, WITHOUT ROWID;
CREATE INDEX domain_care_due ON domain_care (due_ms);
INSERT INTO domain_care (domain_id, due_ms, attempts, is_leased, dkim_rotation, dkim_phase, dkim_since_ms, dkim_again_ms,
    dkim_tries, dkim_reason, checked_ms, check_again_ms, check_tries, unclear_since_ms, unclear_reason, findings)
    SELECT d.id, 0, 0, 0, (SELECT COUNT(*) FROM steps s WHERE s.domain_id = d.id AND s.kind = 'publish_dns'
        AND s.state = 'done'), 'sole', d.created_ms, 0, 0, '', d.created_ms, 0, 0, 0, '', NULL
    FROM domains d WHERE d.state = 'ready' OR d.state = 'partial';

-- The names that visitors' programs may ask the edge for are kept in memory (src/edge). This is what changed lately: a
-- name whose domain may be forwarded, or have mail, differently than before. Whoever is further behind than it goes back
-- reads all names anew.
CREATE TABLE edge_changes (
    version INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;
INSERT INTO edge_changes (version, name) VALUES (1, ''); -- so that there always is a newest one
CREATE TRIGGER edge_changes_kept AFTER INSERT ON edge_changes WHEN NEW.version > 50000 BEGIN
    DELETE FROM edge_changes WHERE version <= NEW.version - 50000;
END;
CREATE TRIGGER edge_domain_made AFTER INSERT ON domains WHEN NEW.state <> 'reserved' BEGIN
    INSERT INTO edge_changes (name) VALUES (NEW.name);
END;
CREATE TRIGGER edge_domain_changed AFTER UPDATE OF forwarding, forwarding_mode, state, active ON domains
    WHEN (NEW.state <> 'reserved' OR OLD.state <> 'reserved') AND
        (NEW.forwarding <> OLD.forwarding OR NEW.forwarding_mode <> OLD.forwarding_mode OR NEW.state <> OLD.state OR
            NEW.active <> OLD.active) BEGIN
    INSERT INTO edge_changes (name) VALUES (NEW.name);
END;
CREATE TRIGGER edge_domain_gone AFTER DELETE ON domains WHEN OLD.state <> 'reserved' BEGIN
    INSERT INTO edge_changes (name) VALUES (OLD.name);
END;
CREATE TRIGGER edge_account_changed AFTER UPDATE OF suspended_ms, state ON accounts
    WHEN NEW.suspended_ms <> OLD.suspended_ms OR (NEW.suspended_ms > 0 AND NEW.state <> OLD.state) BEGIN
    INSERT INTO edge_changes (name) SELECT name FROM domains WHERE id = NEW.domain_id;
END;
CREATE TRIGGER edge_domain_registered AFTER UPDATE OF state ON steps
    WHEN NEW.kind = 'register_domain' AND NEW.state = 'done' AND OLD.state <> 'done' BEGIN
    INSERT INTO edge_changes (name) SELECT name FROM domains WHERE id = NEW.domain_id;
END;
CREATE INDEX accounts_suspended ON accounts (domain_id) WHERE suspended_ms > 0;
