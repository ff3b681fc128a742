"""The secrets of a project's webhooks in the embedded cloud: random ones, unless somebody puts others."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

from workflow.aws.client import make_client
from workflow.aws.compose import read_compiled_webhooks
from workflow.definition.webhooks.webhook import STANDARD
from workflow.errors import SecretAccessError

_RANDOM_BYTES = 32


def put_secret(endpoint_url: str, name: str, value: str) -> None:
    """Put the secret that a webhook names so, `ssm:/path/name` or `secretsmanager:name`, in place of any it had."""
    service, _, own_name = name.partition(":")
    if service == "ssm":
        client = make_client("ssm", endpoint_url=endpoint_url)
        client.put_parameter(Name=own_name, Value=value, Type="SecureString", Overwrite=True)
    else:
        client = make_client("secretsmanager", endpoint_url=endpoint_url)
        try:
            client.create_secret(Name=own_name, SecretString=value)
        except client.exceptions.ResourceExistsException:
            client.put_secret_value(SecretId=own_name, SecretString=value)


def get_secret(endpoint_url: str, name: str) -> bytes:
    """Return the secret of that name; raises SecretAccessError."""
    # Here and not above: who only deploys reads none.
    from workflow.aws.secrets import StoredSecrets

    return StoredSecrets(endpoint_url=endpoint_url).get(name)


def put_missing_secrets(endpoint_url: str, code: Path) -> None:
    """Put a random value for each secret that the webhooks of the built folder name and the cloud does not have."""
    for webhook in read_compiled_webhooks(str(code / "webhooks.json")):
        for name in webhook.signature.secrets:
            try:
                get_secret(endpoint_url, name)
            except SecretAccessError:
                put_secret(endpoint_url, name, _random(webhook.signature.scheme))


def _random(scheme: str) -> str:
    written = base64.b64encode(secrets.token_bytes(_RANDOM_BYTES)).decode()
    # The one scheme that says how a secret is written; to the others it is any text.
    return f"whsec_{written}" if scheme == STANDARD else written
