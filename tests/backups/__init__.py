"""Backups in memory: whole targets without an engine, and arbitrary states to keep and put back."""
