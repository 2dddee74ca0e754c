"""Views: what the live stores are like, seen from several rooms. Read-only."""
