"""Sync: what table and index say of one artist held against each other, and which of both they are to hold."""
