"""The log over HTTP: routes, authentication, limits, one table of errors. Handlers parse, call the log, answer."""
