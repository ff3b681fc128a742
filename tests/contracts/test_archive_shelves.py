"""What every place for an archive promises: whole or not at all, found as it was put, named in order."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.archives import Shop
from workflow.aws.archive_bucket import BucketShelf, open_bucket
from workflow.aws.client import make_client
from workflow.errors import ArchiveError, StoreAccessError
from workflow.runtime.archives.archive import Archiver
from workflow.runtime.archives.hydrate import hydrate
from workflow.runtime.archives.manifest import Selection
from workflow.runtime.archives.shelf import FolderShelf, Shelf
from workflow.runtime.archives.source import ArchiveSource


@pytest.fixture(params=["folder", "bucket"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    if request.param == "folder":
        return FolderShelf(tmp_path / "a" / "b")
    url = request.getfixturevalue("ministack_url")
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    make_client("s3", endpoint_url=url).create_bucket(Bucket=bucket)
    return open_bucket(f"s3://{bucket}/a/b/", url)


def test_what_was_put_is_found_and_named_in_order_until_it_is_removed(shelf: Shelf) -> None:
    assert (shelf.find("x/1"), list(shelf.names(""))) == (None, [])
    for name in ("x/2", "y", "x/1"):
        shelf.put(name, b"first")
        shelf.put(name, name.encode() + bytes(range(256)))
    assert (shelf.find("x/1"), list(shelf.names("x/"))) == (b"x/1" + bytes(range(256)), ["x/1", "x/2"])
    assert list(shelf.names("")) == ["x/1", "x/2", "y"]
    for name in ("x/1", "x/1", "x/2"):
        shelf.remove(name)
    assert list(shelf.names("")) == ["y"]


def test_an_archive_goes_there_and_back(shelf: Shelf) -> None:
    shop = Shop().live().deliver()
    archived = Archiver(shop.records, shop.clock, shelf, Selection()).archive()
    other = Shop(clock=shop.clock)
    hydrated = hydrate(other.flow.runtime, other.bulk, ArchiveSource(shelf, shop.clock))
    assert (archived.entities, hydrated.loaded, hydrated.told) == (10, 10, [])
    assert other.everything() == shop.everything()


def test_a_bucket_that_is_not_there_is_one_clear_line(ministack_url: str) -> None:
    shelf = open_bucket("s3://nowhere-at-all", ministack_url)
    with pytest.raises(StoreAccessError, match="writing s3://nowhere-at-all/x: NoSuchBucket"):
        shelf.put("x", b"")
    with pytest.raises(StoreAccessError, match="NoSuchBucket"):
        shelf.find("x")


@pytest.mark.parametrize("url", ["s3://", "s3:///prefix", "https://bucket", "s3://bucket?x=1"])
def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(ArchiveError, match="is no place for an archive"):
        open_bucket(url)


def test_the_prefix_may_be_empty() -> None:
    assert BucketShelf(None, "bucket").where("x") == "s3://bucket/x"


def test_a_folder_that_may_not_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreAccessError, match=r"file/x: (Not a directory|File exists)"):
        FolderShelf(tmp_path / "file").put("x", b"")
