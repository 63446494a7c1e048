"""Pages and files for people: HTML, and JavaScript that verifies in the browser. Only `tlog.cli` imports it."""
