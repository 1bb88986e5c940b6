-- What is in force of one kind, for counting it and revoking it bit by bit.
CREATE INDEX certificate_live ON certificate (org_id, profile, serial) WHERE state = 'issued';
