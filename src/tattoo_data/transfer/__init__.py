"""Transfer: data out to files and in from them."""
