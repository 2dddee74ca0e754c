"""Ask the live index as the application does: artists by name, studio, handle or place.

    eval "$(tattoo-data env)"; python examples/search.py "kobayashi"

Reads OPENSEARCH_ENDPOINT and OPENSEARCH_INDEX; exits 1 where nobody is found.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from opensearchpy import OpenSearch

FIELDS = ["artistName^2", "studioInfo.studioName", "instagramHandle", "locationDisplay"]


def main(words: str) -> int:
    """Print the artists that `words` finds, the best first."""
    client = OpenSearch([os.environ["OPENSEARCH_ENDPOINT"]])
    query = {"multi_match": {"query": words, "fields": FIELDS, "fuzziness": "AUTO"}}
    found: dict[str, Any] = client.search(index=os.environ["OPENSEARCH_INDEX"], body={"query": query})
    hits = found["hits"]["hits"]
    print(f"{found['hits']['total']['value']} found for {words!r}")
    for hit in hits:
        artist = hit["_source"]
        print(f"  {artist['artistName']}, {artist['locationDisplay']}: {', '.join(artist['styles'])}")
    return 0 if hits else 1


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
