"""What SQS, SNS, EventBridge and S3 say of a message that they did not take, as the framework's errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from workflow.errors import PublishError, PublishRefusedError, WorkflowError

_GONE = {
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "QueueDeletedRecently",
    "NotFound",
    "NotFoundException",
    "ResourceNotFoundException",
    "NoSuchBucket",
}
_CLOSED = re.compile(
    "AccessDenied|AccessKey|Authentica|Authoriz|Expired|InvalidClientTokenId|InvalidSecurity|KMS|PermanentRedirect"
    "|Signature|UnrecognizedClient"
)
_PASSING = re.compile(
    r"Throttl|TooManyRequests|SlowDown|Internal|Unavailable|Timeout|Busy|OverLimit|LimitExceeded|OperationAborted",
    re.IGNORECASE,
)


def failure(subject: str, code: str, message: str, status: int = 400) -> WorkflowError:
    """The error for one code: PublishError where the same message may be taken later, else PublishRefusedError.

    What a person puts right, a missing target or permission, counts as later: no message is at fault.
    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
    """
    if code in _GONE:
        return PublishError(f"{subject}: there is none here; create it, or put its name right ({code})")
    if _PASSING.search(code) or status >= 500:
        return PublishError(f"{subject}: {code}: {message}")
    if _CLOSED.search(code):
        return PublishError(
            f"{subject}: it is closed to us; give the function's role the permission ({code}: {message})"
        )
    return PublishRefusedError(f"{subject}: {code}: {message}")


def entry_failure(subject: str, failed: Mapping[str, Any]) -> Exception:
    """Why SQS or SNS did not take one entry of a batch. Without a fault of ours, it may take it later.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html"""
    status = 400 if failed.get("SenderFault") else 500
    return failure(subject, str(failed.get("Code", "")), str(failed.get("Message", "")), status)


@contextmanager
def translated(subject: str) -> Iterator[None]:
    """Turns what botocore raises inside into PublishError or PublishRefusedError; `subject` says what was asked."""
    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        raise failure(subject, str(told.get("Code", "")), str(told.get("Message", "")), status) from error
    except (NoCredentialsError, NoRegionError) as error:
        raise PublishError(f"{subject}: {error}; configure AWS credentials and region") from error
    except BotoCoreError as error:
        raise PublishError(f"{subject}: no answer: {error}") from error
