"""The repository in the backup bucket: what commands did, and later the packs, manifests and locks."""
