"""The JSON bodies the log answers with: what is encoded, and what `/openapi.json` describes."""
