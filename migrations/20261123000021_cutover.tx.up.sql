-- quiet_local: employees with a local user ID get no activation mail. needs: the
-- rights, with a comma between, that whoever starts the batch must hold, for its
-- rows give roles and rights. starter: JSON of who that was.
ALTER TABLE batch ADD COLUMN quiet_local BOOLEAN NOT NULL DEFAULT FALSE;
--bun:split
ALTER TABLE batch ADD COLUMN needs TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE batch ADD COLUMN starter TEXT NOT NULL DEFAULT '';
--bun:split
-- Names of roles and URIs of rights, with a comma between.
ALTER TABLE batch_row ADD COLUMN roles TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE batch_row ADD COLUMN rights TEXT NOT NULL DEFAULT '';
