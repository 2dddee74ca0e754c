"""Validation: what is wrong with records, and how the two databases differ. Read-only."""
