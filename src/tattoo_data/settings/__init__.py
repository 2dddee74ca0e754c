"""Settings: one frozen object, resolved once."""

from tattoo_data.settings.resolve import FILE_NAME, HIDDEN, Row, describe, redact_url, resolve
from tattoo_data.settings.specs import SPECS, Spec
from tattoo_data.settings.values import Settings, Target

__all__ = ["FILE_NAME", "HIDDEN", "SPECS", "Row", "Settings", "Spec", "Target", "describe", "redact_url", "resolve"]
