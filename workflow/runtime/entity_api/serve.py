"""Serving entities: creating, firing, reading, one request after another."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from workflow.definition.definition import CREATE
from workflow.engine.entity import Entity
from workflow.errors import EntityNotFoundError, PayloadError, Refused, Retryable
from workflow.runtime.archives.line import exact_json
from workflow.runtime.ask import Ask, check_id
from workflow.runtime.entity_api.answer import (
    FAILED,
    FORBIDDEN,
    MALFORMED,
    NOT_READ,
    NOTHING_HERE,
    TOO_LARGE,
    WRONG_METHOD,
    Answer,
    not_now,
    problem,
    refusal,
)
from workflow.runtime.entity_api.forms import Form, entity_form, event_form, listed_form, standing_form
from workflow.runtime.fire import create, fire
from workflow.runtime.redact import bare_trace, redact
from workflow.runtime.runtime import Runtime
from workflow.runtime.webhooks.read_body import BodyError, read_body

log = logging.getLogger("workflow")

MOST_BYTES = 1024 * 1024
"""A larger body is refused unread; the entity that it becomes has 400 KB at most."""

USUAL_LINES, MOST_LINES = 100, 1000
_PAGE_BYTES = 5_000_000
"""A page ends before it is longer: a Lambda answers with 6 MB at most, in which this JSON is itself a text of JSON.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

_LAST_VERSION = 10**12 - 1
_ETAG = re.compile(r'"([1-9][0-9]{0,11})"', re.ASCII)


class Call(NamedTuple):
    """One request: what its path names (kind; kind and id; kind, id and what to do), its parameters, its headers by
    lower-case names, its body as it came, and who sent it ('': nobody knows)."""

    method: str
    path: Sequence[str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    by: str


class MalformedError(ValueError):
    """A request that cannot be read; what it says quotes no value of the body."""


class EntityServer:
    """Answers requests about entities; safe from several threads."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def answer(self, call: Call) -> Answer:
        """The answer to the request; never raises, and nothing is written unless it is accepted."""
        try:
            return self._answer(call)
        except (MalformedError, BodyError) as error:
            return problem(MALFORMED, str(error))
        except Retryable as error:
            log.error("a request could not be answered: %s", _line(str(error)))
            return NOT_READ
        except Refused as error:
            return _told(error, str(error))
        except Exception as error:
            log.error("a request could not be handled\n%s", bare_trace(error))
            return FAILED

    def _answer(self, call: Call) -> Answer:
        if not call.by:
            return problem(FORBIDDEN, "requests are signed with AWS credentials (Signature Version 4)")
        ways = self._ways(call)
        if not ways:
            return problem(NOTHING_HERE, "entities are at /entities/KIND/ID, listed at /entities/KIND?state=STATE")
        if call.method not in ways:
            allow = ", ".join(ways)
            return problem(WRONG_METHOD, f"this takes {allow}", headers={"allow": allow})
        if len(call.body) > MOST_BYTES:
            return problem(TOO_LARGE, f"the body has more than {MOST_BYTES} bytes")
        return ways[call.method](call)

    def _ways(self, call: Call) -> Mapping[str, Callable[[Call], Answer]]:
        if len(call.path) == 1:
            return {"GET": self._list}
        if len(call.path) == 2:
            return {"GET": self._get, "PUT": self._create}
        if len(call.path) == 3:
            return {"GET": self._history, "POST": self._fire} if call.path[2] == "history" else {"POST": self._fire}
        return {}

    def _create(self, call: Call) -> Answer:
        if "if-match" in call.headers:
            raise MalformedError("PUT creates an entity, which has no version yet; leave out If-Match")
        return self._ask(_ask_of(call, CREATE), 201)

    def _fire(self, call: Call) -> Answer:
        kind, entity_id, trigger = call.path
        if trigger == CREATE:
            raise PayloadError(f"{kind} {entity_id}: {CREATE!r} is no trigger to fire; PUT the entity")
        return self._ask(_ask_of(call, trigger), 200)

    def _ask(self, ask: Ask, status: int) -> Answer:
        try:
            accepted = create(self._runtime, ask) if ask.trigger == CREATE else fire(self._runtime, ask)
        except Retryable as error:
            log.error("%s", _line(self._redacted(error, ask)), extra=_ids(ask))
            return not_now(error, keyed=bool(ask.request_id))
        except Refused as error:
            return _told(error, self._redacted(error, ask), _ids(ask))
        outcome = "repeated" if accepted.repeated else "accepted"
        return Answer(status, standing_form(accepted.entity), outcome, _etag(accepted.entity))

    def _redacted(self, error: Exception, ask: Ask) -> str:
        """What the error says; without the sensitive values of the payload, should it quote one."""
        return redact(str(error), self._runtime.secrets(ask.kind, ask.payload))

    def _get(self, call: Call) -> Answer:
        _parameters(call)
        entity = self._get_entity(*call.path)
        return Answer(200, entity_form(entity), "read", _etag(entity))

    def _list(self, call: Call) -> Answer:
        (kind,) = call.path
        given = _parameters(call, "state", "after", "limit")
        states, state = self._runtime.get_definition(kind).states, given.get("state", "")
        if state not in states:
            raise MalformedError(f"state must be one of: {', '.join(states)}")
        limit, after = _limit(given), given.get("after", "")
        if after:
            check_id(kind, after)
        # As for a history.
        found = self._runtime.store.listing(kind, state, after=after, limit=limit + 1)
        forms, more = _page(map(listed_form, found), limit)
        next_after = forms[-1]["id"] if more else None
        return Answer(200, {"kind": kind, "state": state, "entities": forms, "next": next_after}, "read")

    def _history(self, call: Call) -> Answer:
        kind, entity_id, _ = call.path
        given = _parameters(call, "after", "limit")
        after = _whole_number("after", given.get("after", "0"), 0, _LAST_VERSION)
        limit = _limit(given)
        self._check(kind, entity_id)
        # One more than is asked for tells whether there is a next page.
        found = self._runtime.store.events(kind, entity_id, after=after, limit=limit + 1)
        forms, more = _page(map(event_form, found), limit)
        if not forms:
            self._get_entity(kind, entity_id)
        next_after = forms[-1]["version"] if more else None
        return Answer(200, {"kind": kind, "id": entity_id, "events": forms, "next": next_after}, "read")

    def _get_entity(self, kind: str, entity_id: str) -> Entity:
        self._check(kind, entity_id)
        entity = self._runtime.store.find_entity(kind, entity_id)
        if entity is None:
            raise EntityNotFoundError(f"there is no {kind} {entity_id}")
        return entity

    def _check(self, kind: str, entity_id: str) -> None:
        self._runtime.get_definition(kind)
        check_id(kind, entity_id)


def _told(error: Refused, text: str, ids: Mapping[str, str] | None = None) -> Answer:
    answer = refusal(error, text)
    if answer is FAILED:
        log.error("%s", _line(text), extra=ids)
    return answer


def _ids(ask: Ask) -> Mapping[str, str]:
    return {"kind": ask.kind, "id": ask.entity_id}


def _line(text: str) -> str:
    # In one line: ids come from outside, and none may begin a line of its own in the log.
    return " ".join(text.split())


def _ask_of(call: Call, trigger: str) -> Ask:
    _parameters(call)
    payload = read_body(call.body) if call.body else {}
    if not isinstance(payload, dict):
        raise MalformedError("the body must be a JSON object")
    kind, entity_id = call.path[:2]
    key, version = call.headers.get("idempotency-key", ""), _matched_version(call.headers.get("if-match", "*"))
    return Ask(kind, entity_id, trigger, payload, request_id=key, by=call.by, only_version=version)


def _matched_version(given: str) -> int:
    """The version that If-Match asks for, 0 for any; a weak one never matches, and of a list one does not say which.

    https://www.rfc-editor.org/rfc/rfc9110#name-if-match
    """
    if given.strip() == "*":
        return 0
    found = _ETAG.fullmatch(given.strip())
    if found is None:
        raise MalformedError('If-Match takes one version, as ETag gives it: "3"')
    return int(found[1])


def _etag(entity: Entity) -> Mapping[str, str]:
    return {"etag": f'"{entity.version}"'}


def _parameters(call: Call, *known: str) -> Mapping[str, str]:
    unknown = sorted(call.query.keys() - set(known))
    if unknown:
        raise MalformedError(f"there is no parameter {unknown[0]!r} here; there are: {', '.join(known) or 'none'}")
    return call.query


def _whole_number(name: str, given: str, least: int, most: int) -> int:
    if not (given.isascii() and given.isdigit() and len(given) <= len(str(most)) and least <= int(given) <= most):
        raise MalformedError(f"{name} must be a whole number from {least} to {most}")
    return int(given)


def _limit(given: Mapping[str, str]) -> int:
    return _whole_number("limit", given.get("limit", str(USUAL_LINES)), 1, MOST_LINES)


def _page(forms: Iterator[Form], limit: int) -> tuple[list[Form], bool]:
    """The first of them, as far as they fit into an answer, and whether there are more."""
    page: list[Form] = []
    size = 0
    for form in forms:
        size += len(json.dumps(exact_json(form)))
        # One always fits: an event has 400 KB, of which each byte becomes fourteen at most.
        if len(page) == limit or (page and size > _PAGE_BYTES):
            return page, True
        page.append(form)
    return page, False
