"""Audit a whole log from both ends: from the database up and from the tiles up, to the same witnessed roots."""
