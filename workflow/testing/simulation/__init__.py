"""The simulator: real engine and runtime code over a table, a stream and a clock in memory, where one seed decides
everything that happens."""

try:
    import greenlet as greenlet  # type: ignore[import-untyped]
except ImportError as error:
    raise ImportError(
        "the simulator needs greenlet, which is not installed: pip install 'stream-workflow[simulation]'"
    ) from error

from workflow.testing.simulation.clients import Command
from workflow.testing.simulation.fate import Fate
from workflow.testing.simulation.profile import FAULTS
from workflow.testing.simulation.report import Report
from workflow.testing.simulation.run import run_seeds, tell_seed, tell_shrunk
from workflow.testing.simulation.scenario import Scenario
from workflow.testing.simulation.schedule import Outcome, run_schedule
from workflow.testing.simulation.simulate import simulate

__all__ = [
    "FAULTS",
    "Command",
    "Fate",
    "Outcome",
    "Report",
    "Scenario",
    "run_schedule",
    "run_seeds",
    "simulate",
    "tell_seed",
    "tell_shrunk",
]
