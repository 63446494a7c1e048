"""Look-up in the log's database: which entries match, newest first, for a bounded amount of work."""
