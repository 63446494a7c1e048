"""Adapters from other audit formats to the audit entry."""
