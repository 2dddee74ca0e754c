"""The doors to the live stores; the only importers of boto3 and opensearch-py."""
