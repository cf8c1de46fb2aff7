-- The sessions of a device served after the last one that it said to be welcomed
-- in, as 64-bit little-endian numbers, ascending; NULL: session_no alone.
ALTER TABLE device ADD COLUMN served BLOB;
