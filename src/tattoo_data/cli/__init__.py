"""The command line: parse, one call into a room, render. The only importer of click, and the only printer."""
