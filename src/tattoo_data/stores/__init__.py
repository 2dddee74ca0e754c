"""The doors to the live stores; the only importers of botocore and urllib3."""
