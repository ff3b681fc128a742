"""An archive in S3: each part one object, which is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from workflow.aws.client import make_client
from workflow.aws.failures import translated
from workflow.errors import ArchiveError

_MISSING = {"NoSuchKey", "404"}


class BucketShelf:
    """Objects beneath a prefix of one bucket. Who may read them is for the bucket's policy to say."""

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client, self._bucket = client, bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def find(self, name: str) -> bytes | None:
        """The object's content; S3 answers with what was put last.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel"""
        with translated(f"reading {self.where(name)}"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
                return bytes(answer["Body"].read())
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _MISSING:
                    return None
                raise

    def put(self, name: str, content: bytes) -> None:
        """One put: whole, or not at all."""
        with translated(f"writing {self.where(name)}"):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content)

    def remove(self, name: str) -> None:
        """Deletes the object, if there is one."""
        with translated(f"deleting {self.where(name)}"):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def names(self, prefix: str) -> Iterator[str]:
        """The names that begin so, page by page, in order."""
        pages = self._client.get_paginator("list_objects_v2")
        with translated(f"listing {self.where(prefix)}"):
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                for found in page.get("Contents", []):
                    yield str(found["Key"])[len(self._prefix) :]

    def where(self, name: str) -> str:
        """The object's address."""
        return f"s3://{self._bucket}/{self._prefix}{name}"


def open_bucket(url: str, endpoint_url: str = "") -> BucketShelf:
    """The shelf at `s3://bucket/prefix`, at AWS_ENDPOINT_URL_S3 or the endpoint given; raises ArchiveError for another
    address, and StoreAccessError where region, profile or credentials are not configured."""
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise ArchiveError(f"{url!r} is no place for an archive; give a folder, or s3://bucket/prefix")
    endpoint_url = os.environ.get("AWS_ENDPOINT_URL_S3", endpoint_url)
    with translated(f"opening {url}"):
        return BucketShelf(make_client("s3", endpoint_url=endpoint_url or None), parts.netloc, parts.path)
