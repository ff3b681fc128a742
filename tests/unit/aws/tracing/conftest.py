from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aws_xray_sdk.core import AWSXRayRecorder
from aws_xray_sdk.core.context import Context

from tests.fakes.xray_daemon import XrayDaemon
from workflow.aws.tracing.told import DiscreetEmitter
from workflow.aws.tracing.xray import XrayTracer


@pytest.fixture
def daemon() -> Iterator[XrayDaemon]:
    with XrayDaemon() as daemon:
        yield daemon


@pytest.fixture(scope="session")
def bare_recorder() -> Iterator[AWSXRayRecorder]:
    """A recorder of the SDK's own. Making one takes long: it makes a client of X-Ray, to ask for rules of sampling."""
    recorder = AWSXRayRecorder()
    yield recorder
    recorder.emitter._socket.close()


@pytest.fixture
def recorder(bare_recorder: Any, daemon: XrayDaemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """One that keeps everything that nobody has decided on."""
    monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)
    for name, value in {"_context": Context("IGNORE_ERROR"), "_sampling": False, "_service": "shop"}.items():
        monkeypatch.setattr(bare_recorder, name, value)
    emitter = DiscreetEmitter(daemon.address)
    monkeypatch.setattr(bare_recorder, "_emitter", emitter)
    monkeypatch.setattr(bare_recorder, "_sampler", bare_recorder.sampler)
    yield bare_recorder
    emitter._socket.close()


@pytest.fixture
def tracer(recorder: Any) -> XrayTracer:
    return XrayTracer(recorder)
