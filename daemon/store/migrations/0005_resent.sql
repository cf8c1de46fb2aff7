-- The SMS of a place may have left more than once: each copy is waited for.
ALTER TABLE note_pending ADD COLUMN resent INTEGER NOT NULL DEFAULT 0 CHECK (resent IN (0, 1));
