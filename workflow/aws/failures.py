"""boto3's errors translated, once, into the framework's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from workflow.errors import (
    ContentionError,
    StoreAccessError,
    StoreUnavailableError,
    ThrottledError,
    TooLargeError,
    WorkflowError,
)

THROTTLES = {
    "ProvisionedThroughputExceededException",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "ThrottlingError",
    "ThrottlingException",
}
CONFLICTS = {"TransactionConflict", "TransactionConflictException"}
_MISCONFIGURED = (NoCredentialsError, PartialCredentialsError, NoRegionError, ProfileNotFound, ConfigParseError)
_UNANSWERED = {
    "InternalServerError",
    "InternalFailure",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "TransactionInProgressException",
    "RequestTimeout",
    "RequestTimeoutException",
}


@contextmanager
def translated(subject: str) -> Iterator[None]:
    """Turns what botocore raises inside into StoreAccessError, ThrottledError, ContentionError, TooLargeError or
    StoreUnavailableError; `subject` says what was asked of which table. A failed condition passes as it is.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html"""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in ("TransactionCanceledException", "ConditionalCheckFailedException"):
            raise
        raise _translation(subject, code, error) from error
    except HTTPClientError as error:
        raise StoreUnavailableError(f"{subject}: no answer: {error}") from error
    except _MISCONFIGURED as error:
        raise StoreAccessError(f"{subject}: {error}; configure AWS credentials, profile and region") from error
    except BotoCoreError as error:
        raise StoreUnavailableError(f"{subject}: {error}") from error


def _translation(subject: str, code: str, error: ClientError) -> WorkflowError:
    message = str(error.response.get("Error", {}).get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in THROTTLES:
        return ThrottledError(f"{subject}: {code}: {message}")
    if code in CONFLICTS:
        return ContentionError(f"{subject}: {message}")
    if code in _UNANSWERED or status >= 500:
        return StoreUnavailableError(f"{subject}: {code}: {message}")
    if is_too_large(message):
        return TooLargeError(f"{subject}: {message}; DynamoDB keeps at most 400 KB an item: put large values into S3")
    if code == "ResourceNotFoundException":
        return StoreAccessError(f"{subject}: there is no such table here; set WORKFLOW_TABLE and AWS_ENDPOINT_URL")
    return StoreAccessError(f"{subject}: {code}: {message}")


def is_too_large(message: str) -> bool:
    """Whether a validation message of DynamoDB is about an item that is too big."""
    lowered = message.lower()
    of_an_item = "size" in lowered and "expression" not in lowered
    return of_an_item and any(word in lowered for word in ("exceeded", "maximum", "limit"))


def cancellation_reasons(error: ClientError) -> list[dict[str, Any]]:
    """Why each part of a transaction was refused, in the order of its parts; empty if it was not a cancellation."""
    response: dict[str, Any] = error.response
    return list(response.get("CancellationReasons") or [])


class Unanswered:
    """Remembers, for each thread, whether an attempt of its present call got no answer that tells what became of it:
    botocore tries again by itself, and only the last attempt's error comes out."""

    def __init__(self, client: Any, operation: str) -> None:
        self._thread = threading.local()
        client.meta.events.register(f"response-received.dynamodb.{operation}", self._note)

    def forget(self) -> None:
        """To be called before each call."""
        self._thread.noted = False

    def __bool__(self) -> bool:
        return bool(getattr(self._thread, "noted", False))

    def _note(self, response_dict: Any, exception: Any, **_: Any) -> None:
        if exception is not None or (response_dict or {}).get("status_code", 0) >= 500:
            self._thread.noted = True
