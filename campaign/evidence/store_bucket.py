"""The evidence store as an S3-compatible bucket: the same names as in the folder, `prefix/aa/bb/<sha256>`.

An object is created only, and read back whole before it counts. It is never shown from the bucket: it comes to a
nameless temporary file here, is verified, and is given out from there. Nothing but this file imports boto3, and this
file is imported only where a bucket is set.
"""

import hashlib
import io
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from time import monotonic
from typing import IO, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

from ..config import Bucket, ConfigError
from .pieces_bucket import BucketPieces
from .shelf_bucket import BucketShelf
from .store import (
    CHUNK,
    HASH,
    LARGEST,
    LEFTOVER_AGE,
    MISSING,
    ROTTEN,
    Part,
    Store,
    away,
    damaged,
    full,
    hashed,
    told,
)

CONNECT_SECONDS = 3
READ_SECONDS = 10
TRIES = 3
REST_SECONDS = 5
LONGEST_READ = 60  # seconds for one file, however steadily it drips
ASIDE = "aside/"
NONE_THERE = {"NoSuchKey", "404", "NotFound"}
TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
UNKNOWN = {"NotImplemented", "501"}
NO_ROOM = {"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "XMinioAdminBucketQuotaExceeded", "507"}
NO_BUCKET = {"NoSuchBucket", "InvalidBucketName", "404"}
NO_ENTRY = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden", "AllAccessDisabled", "403"}
NOTHING_ELSE = {  # no profile and no file of another tool on this machine has a say
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
log = logging.getLogger(__name__)
for talker in ("boto3", "botocore", "urllib3"):  # they would log whole requests and answers
    logging.getLogger(talker).setLevel(logging.WARNING)


class BucketStore(Store):
    """The bucket of kept files. `folder` is of this machine: temporary files and small copies, nothing to back up."""

    def __init__(self, folder: Path, bucket: Bucket) -> None:
        super().__init__(folder)
        self.bucket = bucket
        self.pieces = BucketPieces(self)
        self.shelf = BucketShelf(self)
        self._client = _client(bucket, TRIES)
        self._probe = _client(bucket, 1)
        self._creates_only = True
        self._rests_until = 0.0

    def open(self, sha256: str) -> IO[bytes]:
        """The kept bytes in a nameless file of this machine, verified. Raises Damaged when they are not intact, Busy
        or NoSpace when they cannot be fetched."""
        with told():
            self.temporary.mkdir(mode=0o750, parents=True, exist_ok=True)
            stream: IO[bytes] = tempfile.TemporaryFile(dir=self.temporary)  # noqa: SIM115  the caller closes it
            try:
                if fault := self._fault(sha256, stream):
                    raise damaged(sha256, fault)
                stream.seek(0)
            except BaseException:
                stream.close()
                raise
        return stream

    def fault(self, sha256: str) -> str:
        """What is wrong with that file, after reading all of it: MISSING, ROTTEN, or nothing. Raises Busy."""
        return self._fault(sha256, None)

    def size_of(self, sha256: str) -> int | None:
        """How many bytes lie there under that hash, without reading them; None when there is no such file."""
        for key in self._places(sha256):
            head = self._head(key)
            if head is not None:
                return int(head["ContentLength"])
        return None

    def stored(self, *, kept_before: datetime | None = None) -> Iterator[str]:
        """The hash of every kept file, or of those that were last kept before that instant; those taken aside last."""
        for key, at in self.listed(""):
            sha256 = key.rpartition("/")[2]
            if HASH.fullmatch(sha256) and key == self.key(sha256) and (kept_before is None or at < kept_before):
                yield sha256
        for key, at in self.listed(ASIDE):
            sha256 = key.rpartition("/")[2]
            old = kept_before is None or at < kept_before
            if HASH.fullmatch(sha256) and old and self._head(self.key(sha256)) is None:
                yield sha256

    def discard(self, sha256: str, *, kept_before: datetime) -> bool:
        """Removes a file that no row knows in two steps, each when that instant has passed: first it is taken aside,
        then that copy goes; whether it is gone for good.

        A bucket cannot rename. An upload of the same bytes, at the very moment they are taken aside, has seen them
        whole and writes its row: the copy is still read, and stays, since by the second step the row is known.
        """
        key, aside = self._places(sha256)
        head = self._head(key)
        if head is not None:
            if head["LastModified"] < kept_before:
                with self._spoken("take aside"):
                    source = {"Bucket": self.bucket.name, "Key": key}
                    self._answering().copy_object(Bucket=self.bucket.name, Key=aside, CopySource=source)
                    self._answering().delete_object(Bucket=self.bucket.name, Key=key)
            return False
        head = self._head(aside)
        if head is None or head["LastModified"] >= kept_before:
            return False
        with self._spoken("remove"), told():
            self._answering().delete_object(Bucket=self.bucket.name, Key=aside)
            self._forget_copies(sha256)
        return True

    def ready(self) -> None:
        """Proves, with one question and no second try, that the bucket answers; and that this machine has room."""
        with told():
            self._prove_temporary()
        with self._spoken("list"):
            self._look()
        self._rests_until = 0.0

    def begin(self) -> None:
        """Raises ConfigError when the bucket refuses what is set: then no waiting helps. When it is away, it is only
        noted: the pages without evidence work, and the store heals by itself."""
        try:
            self._look()
        except ClientError as error:
            code = _code(error)
            if code in NO_BUCKET:
                said = f"CAMPAIGN_EVIDENCE_URL: there is no bucket {self.bucket.name} at {self.bucket.endpoint}."
                raise ConfigError(said) from None
            if code in NO_ENTRY:
                said = "refuses CAMPAIGN_S3_ACCESS_KEY, CAMPAIGN_S3_SECRET_KEY or CAMPAIGN_S3_REGION"
                raise ConfigError(f"The bucket {self.bucket.name} {said} ({code}).") from None
            log.warning("the evidence bucket does not answer as it should: %s", code)
        except BotoCoreError as error:
            log.warning("the evidence bucket cannot be reached: %s", type(error).__name__)

    def key(self, sha256: str) -> str:
        """The key of the object of that hash. ValueError for whatever is no hash."""
        return f"{self.bucket.prefix}{hashed(sha256)[:2]}/{sha256[2:4]}/{sha256}"

    def _keep(self, part: Part) -> None:
        """Creates the object unless it is there whole, and reads it back. Leftovers of others on this machine go."""
        self._sweep(part.path.stat().st_mtime - LEFTOVER_AGE.total_seconds())
        key = self.key(part.sha256)
        for may_replace in (False, True):
            found = self._read(key, None)
            if found == part.sha256:
                return
            self._send(part, key, may_replace=may_replace or found is not None)
        if self._read(key, None) != part.sha256:
            log.error("the evidence bucket gave back other bytes than it was sent for %s", part.sha256)
            raise away()

    def _send(self, part: Part, key: str, *, may_replace: bool) -> None:
        """One object in one request. Replaces only what was seen to be rotten."""
        only_new = {"IfNoneMatch": "*"} if self._creates_only and not may_replace else {}
        with part.path.open("rb") as body:
            try:
                self._answering().put_object(Bucket=self.bucket.name, Key=key, Body=body, **only_new)
            except ClientError as error:
                if only_new and _code(error) in TAKEN:
                    return  # another upload of the same bytes was first, or our first try had arrived after all
                if not only_new or _code(error) not in UNKNOWN:
                    raise self._failed(error, "put") from None
                self._creates_only = False  # an older server; the same bytes twice are harmless
            except BotoCoreError as error:
                raise self._failed(error, "put") from None
            else:
                return
        self._send(part, key, may_replace=may_replace)

    def _places(self, sha256: str) -> tuple[str, str]:
        return self.key(sha256), f"{self.bucket.prefix}{ASIDE}{sha256}"

    def _fault(self, sha256: str, target: IO[bytes] | None) -> str:
        """Reads the file, into the target if there is one: what is wrong with it, or nothing."""
        fault = MISSING
        for key in self._places(sha256):
            found = self._read(key, target)
            if found == sha256:
                return ""
            fault = fault if found is None else ROTTEN
        return fault

    def _read(self, key: str, target: IO[bytes] | None) -> str | None:
        """The hash of the object's bytes, which go to the target; None when there is no such object.

        A connection that breaks in the middle is tried once more. Of what is larger than any file, nothing is read.
        """
        for last in (False, True):
            try:
                body = self._answering().get_object(Bucket=self.bucket.name, Key=key)["Body"]
            except ClientError as error:
                if _code(error) in NONE_THERE:
                    return None
                raise self._failed(error, "get") from None
            except BotoCoreError as error:
                raise self._failed(error, "get") from None
            try:
                with body:
                    return _copied(body, target)
            except BotoCoreError as error:
                if last or isinstance(error, ReadTimeoutError):
                    raise self._failed(error, "read") from None
        return None

    def _head(self, key: str) -> dict[str, Any] | None:
        try:
            return dict(self._answering().head_object(Bucket=self.bucket.name, Key=key))
        except ClientError as error:
            if _code(error) not in NONE_THERE:
                raise self._failed(error, "head") from None
        except BotoCoreError as error:
            raise self._failed(error, "head") from None
        with self._spoken("list"):
            self._look()  # "not found" has no body: is it the object, or is it the bucket?
        return None

    @contextmanager
    def _spoken(self, what: str) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            raise self._failed(error, what) from None

    def _failed(self, error: Exception, what: str) -> Exception:
        """What the reader is told instead. The log gets the kind of failure alone: texts of other servers may hold
        keys. After a server that did not answer in time, nobody waits for it for a while."""
        code = _code(error) if isinstance(error, ClientError) else type(error).__name__
        log.error("the evidence bucket failed: %s: %s", what, code)
        if isinstance(error, ConnectTimeoutError | ReadTimeoutError):
            self._rests_until = monotonic() + REST_SECONDS
        return full() if code in NO_ROOM else away()

    def _answering(self) -> Any:
        """The client, unless the server was silent a moment ago: then eight threads would hang, and every page."""
        if monotonic() < self._rests_until:
            raise away()
        return self._client

    def _look(self) -> None:
        self._probe.list_objects_v2(Bucket=self.bucket.name, Prefix=self.bucket.prefix, MaxKeys=1)

    def listed(self, below: str) -> Iterator[tuple[str, datetime]]:
        """The keys below the prefix that go on so, in order, and when each was last written. Raises Busy."""
        pages = self._answering().get_paginator("list_objects_v2")
        with self._spoken("list"):
            for page in pages.paginate(Bucket=self.bucket.name, Prefix=self.bucket.prefix + below):
                for entry in page.get("Contents", ()):
                    yield entry["Key"], entry["LastModified"]

    def put_bytes(self, name: str, content: bytes) -> None:
        """An object below the prefix that is no evidence yet. Raises NoSpace or Busy."""
        with self._spoken("put"):
            self._answering().put_object(Bucket=self.bucket.name, Key=self.bucket.prefix + name, Body=content)

    def get_bytes(self, key: str) -> bytes:
        """All of a small object; nothing when it is gone. Raises Busy."""
        content = io.BytesIO()
        return content.getvalue() if self._read(key, content) is not None else b""

    def delete_keys(self, keys: Iterable[str]) -> None:
        """One after another: what servers want of a request for many differs. Raises Busy."""
        with self._spoken("remove"):
            for key in keys:
                self._answering().delete_object(Bucket=self.bucket.name, Key=key)


def _client(bucket: Bucket, tries: int) -> Any:
    """A client that speaks to that endpoint and no other, gives up soon, and adds nothing that other servers refuse."""
    wise = Config(
        region_name=bucket.region,
        signature_version="s3v4",
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": tries},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": bucket.style},
        proxies={},
    )
    keys = {"aws_access_key_id": bucket.access_key, "aws_secret_access_key": bucket.secret_key}
    return _session().client("s3", endpoint_url=bucket.endpoint, config=wise, **keys)


@cache
def _session() -> Any:
    """Where the library keeps what it knows of S3: slow to read, so read once."""
    return boto3.session.Session(botocore_session=botocore.session.Session(session_vars=NOTHING_ELSE))


def _copied(body: IO[bytes], target: IO[bytes] | None) -> str:
    """The hash of what comes in, copied to the target from its beginning; of too much, a hash that nothing has."""
    digest, size, end = hashlib.sha256(), 0, monotonic() + LONGEST_READ
    if target is not None:
        target.seek(0)
        target.truncate()
    while chunk := body.read(CHUNK):
        size += len(chunk)
        if size > LARGEST:
            return ""
        if monotonic() > end:
            log.error("the evidence bucket takes longer than %s s for one file", LONGEST_READ)
            raise away()
        digest.update(chunk)
        if target is not None:
            target.write(chunk)
    return digest.hexdigest()


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
