"""Models: what botocore knows of the services, read at a fraction of what its own loader takes.

Making two clients is a third of the start of a command: half of it goes to parsing S3's model in Python, and to looking
into the folders of four hundred services which of them there are.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from botocore.loaders import JSONFileLoader, Loader


class ServiceModels(Loader):  # type: ignore[misc]
    """The models that came with botocore, of these services and no others. None that somebody put into the home is
    read: what a client knows, it was given."""

    def __init__(self, services: tuple[str, ...]) -> None:
        super().__init__(
            extra_search_paths=[self.BUILTIN_DATA_PATH],
            file_loader=_Files(),
            include_default_search_paths=False,
        )
        self._services = list(services)

    def list_available_services(self, type_name: str) -> list[str]:
        """The services, whichever files are asked for."""
        return self._services


class _Files(JSONFileLoader):  # type: ignore[misc]
    def _load_file(self, full_path: str, open_method: Callable[[str, str], BinaryIO]) -> Any:
        if not Path(full_path).is_file():
            return None
        with open_method(full_path, "rb") as file:
            return msgspec.json.decode(file.read())
