"""The rules: one module for each entity, one for what holds between records, one for stores, one for files."""
