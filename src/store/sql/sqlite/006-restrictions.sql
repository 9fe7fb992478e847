-- The operator's restricted and allowed words and domains, over the lists that come with the program.
CREATE TABLE restrictions (
    entry TEXT NOT NULL, -- with a dot: a domain, as an A-label; else a word, with '=' in front when it counts only alone
    workspace_id TEXT NOT NULL, -- '': for everyone; else allowed for this one alone
    is_allowed INTEGER NOT NULL CHECK (is_allowed IN (0, 1)), -- 0: restricted
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (entry, workspace_id),
    CHECK (workspace_id = '' OR is_allowed = 1)
) STRICT, WITHOUT ROWID;

-- One row that counts their changes, so that a running server sees cheaply that there were none.
CREATE TABLE restrictions_version (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO restrictions_version (id, version) VALUES (1, 1);
