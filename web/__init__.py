"""Pages and files for people: HTML made from what the log answers. Only `tlog.cli` imports it."""
