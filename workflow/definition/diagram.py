"""A definition as a picture: Mermaid for pages and reviews, DOT for Graphviz."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workflow.definition.definition import Definition, HookUse, State, Transition
from workflow.definition.durations import written

_PLAIN = frozenset(" _.,=()[]!|'*+-/?@")


@dataclass(frozen=True, slots=True)
class _Arrow:
    source: str
    target: str
    label: str
    timed: bool


def mermaid(definition: Definition) -> str:
    """A Mermaid state diagram: guards in brackets, timers as `after 30m`, hooks under their state or behind
    a slash, with what follows them: `charge_card (then charged, CardDeclined decline, else review)`."""
    lines = ["stateDiagram-v2"]
    for state in definition.states.values():
        # A prefix keeps a state called `end` or `state` from being read as Mermaid's own word.
        lines.append(f'    state "{state.name}" as s_{state.name}')
        lines += [f"    s_{state.name} : {_mermaid_text(text)}" for text in _hook_lines(state)]
    lines.append(f"    [*] --> s_{definition.initial}")
    for arrow in _arrows(definition):
        lines.append(f"    s_{arrow.source} --> s_{arrow.target} : {_mermaid_text(arrow.label)}")
    lines += [f"    s_{state.name} --> [*]" for state in definition.states.values() if state.final]
    return "\n".join(lines) + "\n"


def dot(definition: Definition) -> str:
    """A Graphviz digraph: final states have a double edge, transitions that a timer fires are dashed."""
    lines = [
        f"digraph {_quoted(definition.kind)} {{",
        "  rankdir=LR;",
        '  node [shape=box, style=rounded, fontname="Helvetica"];',
        '  edge [fontname="Helvetica", fontsize=10];',
        '  "" [shape=point];',
    ]
    for state in definition.states.values():
        label = "\n".join([state.name, *_hook_lines(state)])
        peripheries = ", peripheries=2" if state.final else ""
        lines.append(f"  {_quoted(state.name)} [label={_quoted(label)}{peripheries}];")
    lines.append(f'  "" -> {_quoted(definition.initial)};')
    for arrow in _arrows(definition):
        dashed = ", style=dashed" if arrow.timed else ""
        ends = f"{_quoted(arrow.source)} -> {_quoted(arrow.target)}"
        lines.append(f"  {ends} [label={_quoted(arrow.label)}{dashed}];")
    return "\n".join([*lines, "}"]) + "\n"


def _arrows(definition: Definition) -> list[_Arrow]:
    timers: dict[tuple[str, str], list[str]] = {}
    for state in definition.states.values():
        for timer in state.timers:
            timers.setdefault((state.name, timer.trigger), []).append(written(timer.after_seconds))
    return [_arrow(t, timers.get((t.source, t.trigger), [])) for t in definition.transitions]


def _arrow(transition: Transition, waits: list[str]) -> _Arrow:
    label = transition.trigger
    if transition.guard is not None:
        label += f" [{transition.guard}]"
    if waits:
        label += f" after {' or '.join(waits)}"
    if does := ["undo all"] * transition.compensate + [_hook_text(use) for use in transition.effects]:
        label += f" / {', '.join(does)}"
    return _Arrow(transition.source, transition.target, label, timed=bool(waits))


def _hook_lines(state: State) -> list[str]:
    lines = []
    if state.on_enter:
        lines.append(f"enter / {_names(state.on_enter)}")
    if state.on_exit:
        lines.append(f"exit / {_names(state.on_exit)}")
    return lines


def _names(uses: Iterable[HookUse]) -> str:
    return ", ".join(_hook_text(use) for use in uses)


def _hook_text(use: HookUse) -> str:
    follows = [f"then {use.then}"] if use.then else []
    follows += [f"{'else' if error == '*' else error} {trigger}" for error, trigger in use.catch.items()]
    follows += [f"undo {use.undo.hook}"] if use.undo else []
    return f"{use.hook} ({', '.join(follows)})" if follows else use.hook


def _mermaid_text(text: str) -> str:
    """Everything that Mermaid or a page might read as its own is written as a character code."""
    return "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in " ".join(text.split()))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "\\n")
    return f'"{escaped}"'
