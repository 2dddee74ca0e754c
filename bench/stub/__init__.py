"""A stub of the three services, for measuring what talks to them."""

#: Those of the settings, so that everything here and the tool itself write to the same.
TABLE, INDEX, IMAGES = "tattoo-directory-local", "artists-local", "tattoo-directory-images"
