-- When they were last changed, and what may be shown of a key's secret.
ALTER TABLE workspaces ADD COLUMN updated_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN org_logo_url TEXT; -- NULL: none
UPDATE workspaces SET updated_ms = created_ms;
ALTER TABLE api_keys ADD COLUMN updated_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN hint TEXT NOT NULL DEFAULT ''; -- the secret's first characters; '' for older keys
UPDATE api_keys SET updated_ms = MAX(created_ms, revoked_ms);
-- The list that clients see.
CREATE INDEX api_keys_valid ON api_keys (workspace_id, id) WHERE revoked_ms = 0;

-- The reference's number for the activity (store/audit.c), kept with the record so that a filter is one range.
ALTER TABLE audit_logs ADD COLUMN activity_type INTEGER NOT NULL DEFAULT 40;
UPDATE audit_logs SET activity_type = 6 WHERE activity = 'order_placed';
DROP INDEX audit_logs_by_workspace;
CREATE INDEX audit_logs_by_time ON audit_logs (workspace_id, at_ms, id);
CREATE INDEX audit_logs_by_type ON audit_logs (workspace_id, activity_type, at_ms, id);
