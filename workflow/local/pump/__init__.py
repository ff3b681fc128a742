"""Our own event source mapping: it polls the stream and drives the deployed function by AWS's failure rules."""

from workflow.local.pump.delivery import Delivery
from workflow.local.pump.driver import Pump
from workflow.local.pump.tally import Counters

__all__ = ["Counters", "Delivery", "Pump"]
