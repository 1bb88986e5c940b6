-- Where a key is when it is not sealed here: the name of an object on the PKCS#11
-- token. key_sealed is then empty.
ALTER TABLE authority ADD COLUMN key_name TEXT NOT NULL DEFAULT '';
