"""Keys: key-encryption providers, the keyring of data keys, and the log's signing keys."""
