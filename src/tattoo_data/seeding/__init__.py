"""Seeding: scenarios, reset states and clearing, as desired states for the engine."""
