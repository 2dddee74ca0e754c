"""Views: what looks at several rooms."""
