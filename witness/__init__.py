"""A transparency-log witness (C2SP tlog-witness v1.1): its own program, its own database, its own key."""
