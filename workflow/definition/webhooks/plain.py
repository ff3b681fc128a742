"""Webhooks as plain data and back, so that the deployed function loads them without YAML and pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

from workflow.definition.webhooks.webhook import Accept, From, Signature, Webhook, Webhooks
from workflow.errors import SettingsError

FORMAT = 1
"""Raised whenever plain data of the version before could no longer be read."""

Plain: TypeAlias = dict[str, Any]
"""JSON types only."""


def to_plain(webhooks: Webhooks) -> Plain:
    """The webhooks as JSON-ready data; `from_plain` gives them back."""
    return {"format": FORMAT, "webhooks": [_plain_webhook(webhook) for webhook in webhooks]}


def from_plain(plain: Mapping[str, Any]) -> Webhooks:
    """The webhooks that `to_plain` was given; raises SettingsError where the format is another one."""
    found = plain.get("format") if isinstance(plain, Mapping) else None
    if found != FORMAT:
        raise SettingsError(
            f"compiled webhooks have format {found!r}, this version reads {FORMAT}; compile them again with it"
        )
    try:
        return Webhooks(tuple(_webhook(webhook) for webhook in plain["webhooks"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SettingsError(f"compiled webhooks are damaged ({type(error).__name__}); compile them again") from error


def _plain_webhook(webhook: Webhook) -> Plain:
    return {
        "name": webhook.name,
        "signature": {**asdict(webhook.signature), "secrets": list(webhook.signature.secrets)},
        "request_id": webhook.request_id,
        "by": webhook.by,
        "most_bytes": webhook.most_bytes,
        "accepts": [_plain_accept(accept) for accept in webhook.accepts],
    }


def _webhook(plain: Plain) -> Webhook:
    signature = {**plain["signature"], "secrets": tuple(plain["signature"]["secrets"])}
    accepts = tuple(_accept(accept) for accept in plain["accepts"])
    return Webhook(**{**plain, "signature": Signature(**signature), "accepts": accepts})


def _plain_accept(accept: Accept) -> Plain:
    return {
        "when": accept.when,
        "ignore": accept.ignore,
        "kind": _plain_name(accept.kind),
        "id": accept.id,
        "trigger": _plain_name(accept.trigger),
        "payload": dict(accept.payload),
    }


def _accept(plain: Plain) -> Accept:
    return Accept(**{**plain, "kind": _name(plain["kind"]), "trigger": _name(plain["trigger"])})


def _plain_name(name: str | From) -> str | Plain:
    return {"from": name.expression} if isinstance(name, From) else name


def _name(plain: str | Plain) -> str | From:
    return plain if isinstance(plain, str) else From(plain["from"])
