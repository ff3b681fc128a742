"""What handlers say that their hooks fire: is there such a trigger? A slip there would hide a circle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workflow.definition.circles import Fires
from workflow.definition.definition import CREATE
from workflow.definition.document import PathTuple
from workflow.definition.findings import Finding
from workflow.definition.hook_checks import each_item
from workflow.definition.item_model import hook_name, undo_hook
from workflow.definition.model import DefinitionModel
from workflow.definition.suggestions import ways_out


def unknown_fires(models: Sequence[DefinitionModel], fires: Fires) -> Iterator[tuple[int, Finding]]:
    """Triggers that no definition has, each at the first use of the hook that says so, with the index of its model.

    `models` has one model of each kind; of kinds that are not among them nothing is known.
    """
    triggers = {model.kind: dict.fromkeys([*model.transitions, CREATE]) for model in models}
    own = _own_triggers(models, fires)
    for hook, (index, path) in _first_uses(models).items():
        for name in fires.get(hook, ()):
            kind, _, trigger = name.rpartition(".")
            known = triggers.get(kind) if kind else own[hook]
            if known is not None and trigger not in known:
                message = f"the hook {hook!r} says that it fires {name!r}, and there is no such trigger"
                way_out = f"correct its @hook(fires=...); {ways_out(trigger, known, 'triggers')}"
                yield index, Finding(path, message, way_out)


def _first_uses(models: Sequence[DefinitionModel]) -> dict[str, tuple[int, PathTuple]]:
    first: dict[str, tuple[int, PathTuple]] = {}
    for index, model in enumerate(models):
        for path, item in each_item(model):
            first.setdefault(hook_name(item), (index, (*path, "run")))
            first.setdefault(undo_hook(item), (index, (*path, "undo")))
    return first


def _own_triggers(models: Sequence[DefinitionModel], fires: Fires) -> dict[str, dict[str, None]]:
    """What each hook that fires may fire on the entity it runs for, of whichever kind that is."""
    own: dict[str, dict[str, None]] = {}
    for model in models:
        for hook in dict.fromkeys(name for _, item in each_item(model) for name in (hook_name(item), undo_hook(item))):
            if fires.get(hook):
                own.setdefault(hook, {}).update(dict.fromkeys([*model.transitions, CREATE]))
    return own
