"""What services and auditors use: the HTTP client and the offline verifier."""
