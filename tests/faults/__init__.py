"""Faults as real engines give them: a proxy on loopback that stands between the tool and one engine."""

from tests.faults.messages import Seen, Service
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.rates import FaultRates, Moment

__all__ = ["FaultProxy", "FaultRates", "Moment", "Seen", "Service", "fault_proxy"]
