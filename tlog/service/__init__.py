"""The log at work: sequence, integrate, publish; reads and audits. No HTTP here."""
