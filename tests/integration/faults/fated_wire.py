"""The wire between botocore and an engine, where fate puts faults: each request of an actor meets its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError
from greenlet import getcurrent  # type: ignore[import-untyped]

from tests.fakes.faults import answer, cancel, operation_of, throttle, written
from workflow.testing.simulation.fate import Odds
from workflow.testing.simulation.scheduler import SECOND, Scheduler, current, find_current

if TYPE_CHECKING:
    from tests.integration.faults.engine_world import EngineWorld

_DELAYS = (0.3, 3.0, 20.0, 70.0, 200.0)
_internal_error = answer(500, "InternalServerError")
_conflict_of_one = answer(400, "TransactionConflictException")


class FatedWire:
    """Listens to a client's requests; botocore's own retries come by here again, each a request of its own."""

    def __init__(self, world: EngineWorld, client: Any) -> None:
        self._world = world
        self._session = client._endpoint.http_session
        client.meta.events.register_first("before-send.dynamodb", self._before_send)

    def _before_send(self, request: AWSRequest, **_: Any) -> AWSResponse | None:
        if find_current() is None:
            return None
        operation, body = operation_of(request), json.loads(request.body)
        keys = written(operation, body)
        fault = self._world.arrive(self._odds(operation, keys), operation, [" ".join(key) for key in keys])

        def send() -> AWSResponse:
            got = self._session.send(request)
            # Read whole, before anybody else acts.
            assert got.content is not None
            if keys:
                self._world.engine.wrote(keys)
            return got

        return self._meet(fault, send, request, len(body.get("TransactItems", ())))

    def _odds(self, operation: str, keys: list[tuple[str, str]]) -> Odds:
        profile = self._world.profile
        return profile.commit if operation == "TransactWriteItems" else profile.write if keys else profile.read

    def _meet(self, fault: str, send: Callable[[], AWSResponse], request: AWSRequest, parts: int) -> AWSResponse | None:
        if fault == "crash before":
            self._world.scheduler.crash(current())
        if fault == "throttled":
            return throttle(request)
        if fault == "conflict":
            return (cancel("TransactionConflict", *["None"] * (parts - 1)) if parts else _conflict_of_one)(request)
        if fault == "arrives late":
            self._world.send_late("request", lambda: (self._sleep(), send()))
        if fault in ("arrives late", "request lost"):
            return self._unanswered(request)
        return self._sent(fault, send, request)

    def _sent(self, fault: str, send: Callable[[], AWSResponse], request: AWSRequest) -> AWSResponse | None:
        if fault == "slow request":
            self._sleep()
        got = send()
        if fault == "response lost":
            return self._unanswered(request)
        if fault == "crash after":
            self._world.scheduler.crash(current())
        if fault == "slow answer":
            self._sleep()
        return send() if fault == "sent twice" else got

    def _unanswered(self, request: AWSRequest) -> AWSResponse | None:
        if self._world.fate.choose(2):
            return _internal_error(request)
        raise ReadTimeoutError(endpoint_url=request.url)

    def _sleep(self) -> None:
        self._world.scheduler.sleep(round(_DELAYS[self._world.fate.choose(len(_DELAYS))] * SECOND))


class VirtualTime:
    """What botocore sleeps by between its own attempts: the schedule's clock."""

    def __init__(self, real: Any, scheduler: Scheduler) -> None:
        self._real, self._scheduler = real, scheduler

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def sleep(self, seconds: float) -> None:
        """Waits; other actors act meanwhile."""
        if find_current() is None:
            self._real.sleep(seconds)
        else:
            self._scheduler.sleep(round(seconds * SECOND))


class PerActor:
    """In the place of threading.local(): all actors share one thread."""

    def __init__(self) -> None:
        self._noted: dict[int, bool] = {}

    @property
    def noted(self) -> bool:
        """What the present actor noted."""
        return self._noted.get(id(getcurrent()), False)

    @noted.setter
    def noted(self, value: bool) -> None:
        self._noted[id(getcurrent())] = value
