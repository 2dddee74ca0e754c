"""Tools of the people who work on tattoo-data; none of them is shipped."""
