"""The names of the live stores on the command line: those of the services behind them."""

from __future__ import annotations

from collections.abc import Mapping

from tattoo_data.model.entry import StoreName

SERVICES: Mapping[str, StoreName] = {
    "dynamodb": StoreName.TABLE,
    "opensearch": StoreName.INDEX,
    "s3": StoreName.IMAGES,
}
