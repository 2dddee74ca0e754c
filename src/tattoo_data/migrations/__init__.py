"""Migrations: changes of the schema, over table and index, and their way back."""
