"""Clients of AWS, made when a hook first needs one and then kept."""

from __future__ import annotations

import threading
from typing import Any

_clients: dict[str, Any] = {}
_lock = threading.Lock()


def client(service: str) -> Any:
    """The process's one client of the service; hooks of several threads may share it."""
    # Hooks of different entities run side by side, and boto3 makes clients safely only one at a time.
    with _lock:
        if service not in _clients:
            import boto3

            _clients[service] = boto3.client(service)
        return _clients[service]
