-- Seqs up to here may have been handed over in a time that a restore has lost.
ALTER TABLE stream ADD COLUMN doubted_upto INTEGER NOT NULL DEFAULT 0;
