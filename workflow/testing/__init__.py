"""What an application's own tests need: the ports in memory, a clock, a way to run the effects, and the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workflow.testing.delivery import MemoryDelivery
from workflow.testing.memory import MemoryStore
from workflow.testing.memory_clock import MemoryClock
from workflow.testing.memory_ledger import MemoryLedger
from workflow.testing.memory_publisher import MemoryPublisher
from workflow.testing.memory_tracer import MemoryTracer

if TYPE_CHECKING:
    from workflow.testing.simulation.simulate import simulate

__all__ = [
    "MemoryClock",
    "MemoryDelivery",
    "MemoryLedger",
    "MemoryPublisher",
    "MemoryStore",
    "MemoryTracer",
    "simulate",
]


def __getattr__(name: str) -> Any:
    # Only who simulates needs greenlet.
    if name == "simulate":
        from workflow.testing.simulation.simulate import simulate

        return simulate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
