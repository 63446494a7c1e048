"""tlog: a witnessed transparency log for audit entries whose personal data can be erased."""

__version__ = "0.1.0"
