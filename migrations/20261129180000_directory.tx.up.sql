-- The address of a profile of secure e-mail, in lower case, while its certificate is
-- in the public directory; '' when it is not.
ALTER TABLE certificate_profile ADD COLUMN listed_address TEXT NOT NULL DEFAULT '';
--bun:split
CREATE INDEX certificate_profile_listed ON certificate_profile (listed_address) WHERE listed_address <> '';
