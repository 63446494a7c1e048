"""The audit entry: its schema, its disclosures, the leaf that commits to it and its encrypted parts. Pure: no I/O."""
