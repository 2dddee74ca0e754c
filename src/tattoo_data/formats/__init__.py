"""Formats: what files hold data, ours and others'. Streams from files and to them; no live store."""
