"""The two homes of evidence for the tests: a folder, and a bucket of a real S3 server (moto) on this machine.

In front of the server stands a layer of faults, which knows nothing of our store: it answers errors, cuts
connections, refuses, forgets.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.moto_server import threaded_moto_server
from moto.moto_server.threaded_moto_server import DomainDispatcherApplication, ThreadedMotoServer

from campaign.config import Bucket, Settings
from campaign.evidence.store import Store
from campaign.evidence.store_bucket import BucketStore
from campaign.evidence.store_folder import FolderStore

ACCESS, SECRET = "AKIATESTSONLY", "a-secret/of+the-tests-0123456789"
NAME = "campaign-evidence"
ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>key {secret}</Message></Error>'


@dataclass
class Faults:
    """What goes wrong with the next requests; each is used up by one request that it fits."""

    planned: list[tuple[str, Any]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def answer(self, method: str, code: str, status: int, times: int = 1) -> None:
        """The next requests of that method are answered with that error."""
        self.planned += [(method, (code, status))] * times

    def cut(self, method: str, times: int = 1) -> None:
        """The next requests of that method lose their connection: an upload in its middle, a download in its middle."""
        self.planned += [(method, "cut")] * times

    def take(self, method: str, condition: str) -> Any:
        """The fault that is planned for this request, if any."""
        with self.lock:
            self.seen.append(f"{method} only new" if condition == "*" else method)
            for place, (wanted, fault) in enumerate(self.planned):
                if wanted == method:
                    del self.planned[place]
                    return fault
        return None


FAULTS = Faults()


class Layered(DomainDispatcherApplication):
    """The server's application behind the faults."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        method, plain = environ["REQUEST_METHOD"], super().__call__
        fault = FAULTS.take(method, environ.get("HTTP_IF_NONE_MATCH", ""))
        if fault is None:
            return plain(environ, start_response)
        if fault == "cut" and method == "GET":
            return self._half(plain, environ, start_response)
        if fault == "cut":
            environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]) // 2)
            environ["werkzeug.socket"].shutdown(2)
            raise ConnectionAbortedError
        code, status = fault
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(f"{status} {HTTPStatus(status).phrase}", [("Content-Type", "application/xml")])
        return [] if method == "HEAD" else [ERROR.format(code=code, secret=SECRET).encode()]

    def _half(self, plain: Any, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        body = b"".join(plain(environ, start_response))
        yield body[: len(body) // 2]
        environ["werkzeug.socket"].shutdown(2)
        raise ConnectionAbortedError


@dataclass
class Home:
    """A store, and the ways behind its back."""

    store: Store

    def spoil(self, sha256: str, content: bytes) -> None:
        """Other bytes under that name."""
        if isinstance(self.store, FolderStore):
            path = self.store.path(sha256)
            path.chmod(0o640)
            path.write_bytes(content)
        else:
            raw(self.store).put_object(Bucket=NAME, Key=self.store.key(sha256), Body=content)

    def lose(self, sha256: str) -> None:
        """No bytes under that name."""
        if isinstance(self.store, FolderStore):
            self.store.path(sha256).unlink()
        else:
            raw(self.store).delete_object(Bucket=NAME, Key=self.store.key(sha256))


def raw(store: BucketStore) -> Any:
    """A client of the tests' own."""
    return client(store.bucket.endpoint)


def keys_below(store: BucketStore) -> list[str]:
    """What lies below the prefix, asked without our own store."""
    found = raw(store).list_objects_v2(Bucket=NAME, Prefix=store.bucket.prefix).get("Contents", ())
    return [entry["Key"].removeprefix(store.bucket.prefix) for entry in found]


@cache
def client(endpoint: str) -> Any:
    """A plain client of that server."""
    made = {"endpoint_url": endpoint, "aws_access_key_id": ACCESS, "aws_secret_access_key": SECRET}
    plain = Config(s3={"addressing_style": "path"}, proxies={})
    return boto3.session.Session().client("s3", region_name="us-east-1", config=plain, **made)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server with one bucket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threaded_moto_server, "DomainDispatcherApplication", Layered)
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    client(address).create_bucket(Bucket=NAME)
    yield address
    server.stop()


PREFIXES = itertools.count()


@pytest.fixture
def bucket(s3_server: str) -> Iterator[Bucket]:
    """A prefix of that bucket that nobody else has used."""
    FAULTS.planned.clear()
    FAULTS.seen.clear()
    yield Bucket(NAME, f"test-{next(PREFIXES)}/", s3_server, ACCESS, SECRET, "us-east-1", "path")
    FAULTS.planned.clear()


@pytest.fixture
def bucket_store(tmp_path: Path, bucket: Bucket) -> BucketStore:
    """A store in that bucket."""
    return BucketStore(tmp_path / "data" / "evidence", bucket)


@pytest.fixture
def s3_settings(settings: Settings, bucket: Bucket) -> Settings:
    """The settings of the test application with its evidence in a bucket."""
    return settings_of(settings, bucket)


def settings_of(settings: Settings, bucket: Bucket) -> Settings:
    """These settings with the evidence in that bucket."""
    keys = {"s3_endpoint": bucket.endpoint, "s3_access_key": ACCESS, "s3_secret_key": SECRET}
    return replace(settings, evidence_url=f"s3://{bucket.name}/{bucket.prefix}", **keys)


def home_named(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    """The home of that kind, fresh."""
    if kind == "folder":
        return Home(FolderStore(tmp_path / "store"))
    return Home(request.getfixturevalue("bucket_store"))
