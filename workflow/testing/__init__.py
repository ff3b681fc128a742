"""What an application's own tests need: the ports in memory, and a way to run the effects."""

from workflow.testing.delivery import MemoryDelivery
from workflow.testing.memory import MemoryStore
from workflow.testing.memory_ledger import MemoryLedger

__all__ = ["MemoryDelivery", "MemoryLedger", "MemoryStore"]
