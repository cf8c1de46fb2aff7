-- What the engine has learned of networks. What the bytes mean, it alone knows;
-- without them it learns anew.
CREATE TABLE memo (
    -- 0: heartbeats; 1: links.
    kind  INTEGER PRIMARY KEY CHECK (kind BETWEEN 0 AND 255),
    bytes BLOB NOT NULL
) STRICT;
