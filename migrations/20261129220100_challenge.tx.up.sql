-- A challenge is kept by the browser that asked, sealed; written down is that one has been answered.
ALTER TABLE login_challenge DROP COLUMN nonce;
--bun:split
ALTER TABLE login_challenge DROP COLUMN cookie_mac;
--bun:split
ALTER TABLE login_challenge DROP COLUMN flow;
--bun:split
ALTER TABLE login_challenge DROP COLUMN used_at;
