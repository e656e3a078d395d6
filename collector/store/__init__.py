"""What the collector keeps, in SQLite or PostgreSQL, by one set of statements."""
