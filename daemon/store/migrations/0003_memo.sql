-- What the engine has learned of networks. What the bytes mean, it alone knows;
-- without them it learns anew.
CREATE TABLE memo (
    -- `Memo` of the engine, by its code.
    kind  INTEGER PRIMARY KEY CHECK (kind BETWEEN 0 AND 255),
    bytes BLOB NOT NULL
) STRICT;
