"""tattoo-data: make the live stores of the Tattoo Directory equal a desired state, safely."""

__version__ = "0.1.0"
