"""From the checked model to the frozen webhook."""

from __future__ import annotations

from workflow.definition import durations
from workflow.definition.webhooks.model import AcceptModel, FromModel, SignatureModel, WebhookModel
from workflow.definition.webhooks.webhook import GITHUB, STANDARD, TIMESTAMPED, Accept, From, Signature, Webhook

_HEADERS = {GITHUB: "x-hub-signature-256", TIMESTAMPED: "stripe-signature", STANDARD: "webhook-signature"}


def build(model: WebhookModel) -> Webhook:
    """The frozen webhook of a model that the checks let pass."""
    return Webhook(
        name=model.webhook,
        signature=_build_signature(model.signature),
        request_id=model.request_id,
        accepts=tuple(_build_accept(accept) for accept in model.accept),
        by=model.by or "",
        most_bytes=model.most_bytes,
    )


def _build_signature(model: SignatureModel) -> Signature:
    return Signature(
        scheme=model.scheme,
        secrets=tuple(model.secrets),
        header=(model.header or _HEADERS[model.scheme]).lower(),
        encoding=model.encoding,
        prefix=model.prefix,
        tolerance_seconds=durations.whole_seconds(model.tolerance),
    )


def _build_accept(model: AcceptModel) -> Accept:
    return Accept(
        kind=_build_name(model.kind),
        id=model.id,
        trigger=_build_name(model.trigger),
        when=model.when or "",
        ignore=model.ignore or "",
        payload=dict(model.payload),
    )


def _build_name(name: str | FromModel) -> str | From:
    return name if isinstance(name, str) else From(name.from_)
