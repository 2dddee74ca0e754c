"""Backups: whole states kept in the repository. Taken, looked at, put back, removed."""
