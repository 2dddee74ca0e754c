"""The contract suite, run on every store of every engine."""

from tattoo_data.testing.contract import StoreContract


class TestEveryStore(StoreContract):
    """Parametrised by the fixture `store`."""
