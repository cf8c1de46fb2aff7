-- A note names an SMS by the hash of its text, however many came since.
DROP INDEX message_by_sms;
CREATE INDEX message_by_sms ON message (own, peer, hash) WHERE came_by = 1;
