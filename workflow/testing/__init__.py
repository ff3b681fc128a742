"""What an application's own tests need: the ports in memory, and a way to run the effects."""

from workflow.testing.delivery import MemoryDelivery
from workflow.testing.memory import MemoryLedger, MemoryStore

__all__ = ["MemoryDelivery", "MemoryLedger", "MemoryStore"]
