"""Steps: one file for each change of the schema. A file is found by its folder; nothing lists it."""
