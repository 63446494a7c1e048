"""Pages: templates, and JavaScript that verifies in the browser. Only `tlog/cli` imports this package."""
