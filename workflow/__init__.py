"""Event-sourced workflows on DynamoDB: states in YAML, side effects in Python, one conditional write a transition."""

from importlib import import_module
from typing import TYPE_CHECKING

from workflow.version import VERSION

if TYPE_CHECKING:
    from workflow.application import Workflow as Workflow
    from workflow.definition.definition import Definition as Definition
    from workflow.definition.definition import Definitions as Definitions
    from workflow.engine.entity import Entity as Entity
    from workflow.engine.events import Event as Event
    from workflow.errors import Refused as Refused
    from workflow.errors import Retryable as Retryable
    from workflow.errors import WorkflowError as WorkflowError
    from workflow.runtime.accepted import Accepted as Accepted
    from workflow.runtime.effect import Effect as Effect
    from workflow.runtime.marks import guard as guard
    from workflow.runtime.marks import hook as hook
    from workflow.runtime.marks import limit as limit
    from workflow.runtime.marks import probe as probe
    from workflow.runtime.marks import projection as projection

_HOMES = {
    "Accepted": "workflow.runtime.accepted",
    "Definition": "workflow.definition.definition",
    "Definitions": "workflow.definition.definition",
    "Effect": "workflow.runtime.effect",
    "Entity": "workflow.engine.entity",
    "Event": "workflow.engine.events",
    "Refused": "workflow.errors",
    "Retryable": "workflow.errors",
    "Workflow": "workflow.application",
    "WorkflowError": "workflow.errors",
    "guard": "workflow.runtime.marks",
    "hook": "workflow.runtime.marks",
    "limit": "workflow.runtime.marks",
    "probe": "workflow.runtime.marks",
    "projection": "workflow.runtime.marks",
}

__all__ = list(_HOMES)
__version__ = VERSION


def __getattr__(name: str) -> object:
    # A public name costs its import when it is first used: hooks in a Lambda use two of them.
    if name not in _HOMES:
        raise AttributeError(f"module 'workflow' has no attribute {name!r}; it has: {', '.join(_HOMES)}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value
