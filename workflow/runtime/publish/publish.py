"""Publishing what a definition declares: each effect becomes a message, all of a batch go to their target together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workflow.definition.definition import CREATE, Definition, HookUse
from workflow.engine.events import Event
from workflow.errors import HookNotRegisteredError
from workflow.runtime.effect import Effect
from workflow.runtime.publish.envelope import envelope
from workflow.runtime.publish.port import Message, Target
from workflow.runtime.redact import redact
from workflow.runtime.runtime import Runtime

_SERVICES = ("eventbridge", "sns", "sqs")


def publish(runtime: Runtime, use: HookUse, effects: Sequence[Effect]) -> Mapping[str, Exception]:
    """Publishes what the effects owe, and returns by effect key why one was not published; raises what keeps all of
    them from it."""
    if runtime.publisher is None:
        raise HookNotRegisteredError(
            f"{use.hook!r}: this Workflow was given nothing to publish by; give it a publisher"
        )
    target, failed = _target(use), dict[str, Exception]()
    messages: list[Message] = []
    for effect in effects:
        try:
            messages.append(_message(runtime, runtime.publisher.source, effect))
        except Exception as error:
            # Of one entity: its history cannot be read, say. The others go on.
            failed[effect.key] = error
    if messages:
        failed.update(runtime.publisher.publish(target, messages))
    return failed


def _target(use: HookUse) -> Target:
    declared = use.publish or {}
    service = next(name for name in _SERVICES if name in declared)
    return Target(service, declared[service])


def _message(runtime: Runtime, source: str, effect: Effect) -> Message:
    event = effect.event
    definition = runtime.definitions.find(event.kind, event.definition) or runtime.get_definition(event.kind)
    # Effects of one batch may come from several kinds or versions: each is asked for in its own way.
    uses = definition.uses.get((event.trigger, event.source, event.target), ())
    declared = next((use.publish for use in uses if use.hook == effect.hook and use.publish), {})
    whole = envelope(
        event,
        effect.entity,
        key=effect.key,
        source=source,
        type=declared.get("detail_type", ""),
        declared=_declared(definition, event),
        hidden=_hidden(runtime, event.kind),
        by=_by(runtime, effect),
    )
    group = f"{event.kind}#{event.entity_id}"
    return Message(effect.key, group, whole["type"], event.at, whole, declared.get("overflow", ""))


def _declared(definition: Definition, event: Event) -> set[str]:
    """The payload's fields that the definition knows; of any other nobody has said whether it is sensitive."""
    if event.trigger == CREATE:
        return set(definition.data)
    return {name for t in definition.transitions if t.trigger == event.trigger for name in (*t.requires, *t.sets)}


def _hidden(runtime: Runtime, kind: str) -> set[str]:
    """What any loaded version calls sensitive: an older event may still carry it."""
    return {name for definition in runtime.definitions if definition.kind == kind for name in definition.sensitive}


def _by(runtime: Runtime, effect: Effect) -> str:
    """Who asked, unless that is told in a sensitive value's words."""
    by = effect.event.by
    return by if by and redact(by, runtime.secrets(effect.kind, *effect.values_read())) == by else ""
