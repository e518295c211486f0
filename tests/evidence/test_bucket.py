"""The bucket when its server fails: nothing counts that was not read back, and nobody learns a key."""

import io
import logging
import os
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from subprocess import run

import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from campaign.config import Bucket, ConfigError, Settings, load_settings
from campaign.errors import Busy, NoSpace
from campaign.evidence import store_bucket
from campaign.evidence.store import LARGEST, MISSING, Damaged
from campaign.evidence.store_bucket import BucketStore

from .homes import ACCESS, FAULTS, NAME, SECRET
from .homes import keys_below as keys

CONTENT = b"plain words " * 40_000  # some 480 kB: more than what is buffered on the way
SHA = sha256(CONTENT).hexdigest()
FUTURE = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(bucket_store) -> BucketStore:
    return bucket_store


def put(store: BucketStore, content: bytes = CONTENT):
    return store.put(io.BytesIO(content), name="a.txt")


def leftovers(store: BucketStore) -> list:
    return list(store.temporary.glob("*")) if store.temporary.exists() else []


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_the_object_stands_under_its_hash_and_was_read_back(store):
    put(store)
    assert keys(store) == [f"{SHA[:2]}/{SHA[2:4]}/{SHA}"]
    assert FAULTS.seen == ["GET", "PUT only new", "GET", "GET"]  # is it there; it goes; it is read back; the test looks


def test_two_500s_and_then_it_works(store):
    FAULTS.answer("PUT", "InternalError", 500, times=2)
    put(store)
    FAULTS.answer("GET", "SlowDown", 503, times=2)
    assert store.verify(SHA)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_server_that_only_fails_keeps_nothing(store, method, caplog):
    FAULTS.answer(method, "InternalError", 500, times=3)
    with pytest.raises(Busy):
        put(store)
    assert (keys(store), leftovers(store)) == ([], [])
    assert SECRET not in caplog.text


def test_an_upload_that_is_cut_each_time_leaves_no_object_and_no_file(store):
    FAULTS.cut("PUT", times=3)
    with pytest.raises(Busy):
        put(store)
    assert (keys(store), leftovers(store)) == ([], [])
    put(store)
    assert store.verify(SHA)


def test_a_download_that_is_cut_is_no_damage(store):
    put(store)
    FAULTS.cut("GET")
    with store.open(SHA) as stream:
        assert stream.read() == CONTENT
    FAULTS.cut("GET", times=2)
    with pytest.raises(Busy):
        store.open(SHA)


def test_an_upload_whose_reading_back_fails_is_no_success(store):
    FAULTS.answer("GET", "NoSuchKey", 404)
    FAULTS.answer("GET", "InternalError", 500, times=3)
    with pytest.raises(Busy):
        put(store)
    assert leftovers(store) == []
    assert put(store).sha256 == SHA


def test_a_server_that_keeps_other_bytes_than_it_was_sent_is_never_believed(store, monkeypatch):
    send = store._client.put_object
    monkeypatch.setattr(store._client, "put_object", lambda **given: send(**given | {"Body": b"something else"}))
    with pytest.raises(Busy):
        put(store)
    assert leftovers(store) == []


def test_the_same_bytes_at_once_where_both_find_the_name_free(store):
    FAULTS.answer("GET", "NoSuchKey", 404, times=4)
    with ThreadPoolExecutor(4) as threads:
        assert {kept.sha256 for kept in threads.map(lambda _: put(store), range(4))} == {SHA}
    assert len(keys(store)) == 1
    assert store.verify(SHA)


def test_a_server_without_conditions_is_sent_plain_puts(store):
    FAULTS.answer("PUT", "NotImplemented", 501)
    put(store)
    assert store.verify(SHA)
    put(store, b"another")
    assert [what for what in FAULTS.seen if "PUT" in what] == ["PUT only new", "PUT", "PUT"]


def test_no_room_is_said_to_be_no_room(store):
    FAULTS.answer("PUT", "QuotaExceeded", 403)
    with pytest.raises(NoSpace):
        put(store)
    assert (keys(store), leftovers(store)) == ([], [])


def test_access_denied_is_away_and_no_key_stands_anywhere(store, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    for method in ("GET", "PUT"):
        FAULTS.answer(method, "AccessDenied", 403)
        with pytest.raises(Busy) as refusal:
            put(store)
        assert refusal.value.__cause__ is None
    FAULTS.answer("GET", "AccessDenied", 403, times=2)
    for ask in (store.ready, lambda: store.fault(SHA)):
        with pytest.raises(Busy) as refusal:
            ask()
        assert refusal.value.__cause__ is None
        assert refusal.value.__suppress_context__  # no traceback leads to what the server said
    said = caplog.text + "".join(capfd.readouterr()) + repr(store.bucket) + repr(refusal.value)
    assert "AccessDenied" in said
    assert SECRET not in said
    assert keys(store) == []


def test_a_server_that_is_away_is_told_soon(bucket, tmp_path):
    gone = BucketStore(tmp_path, replace(bucket, endpoint=closed_port()))
    begun = time.monotonic()
    for ask in (lambda: put(gone), gone.ready, lambda: gone.fault(SHA), lambda: gone.size_of(SHA), gone.begin):
        if ask == gone.begin:
            ask()  # a server that is away does not end the start
            continue
        with pytest.raises(Busy):
            ask()
    with pytest.raises(Busy):
        list(gone.stored())
    assert time.monotonic() - begun < 25
    assert leftovers(gone) == []


def test_a_server_that_stops_and_comes_back(tmp_path, bucket):
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    store = BucketStore(tmp_path, replace(bucket, endpoint=f"http://{host}:{port}"))
    server.stop()
    server._server.server_close()
    with pytest.raises(Busy):
        put(store)
    again = ThreadedMotoServer(host, port, verbose=False)
    again.start()
    put(store)
    assert store.verify(SHA)
    again.stop()
    again._server.server_close()


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [("NoSuchBucket", 404, "no bucket"), ("AccessDenied", 403, "refuses"), ("SignatureDoesNotMatch", 403, "refuses")],
)
def test_a_wrong_bucket_or_key_ends_the_start_with_a_sentence(store, code, status, said):
    FAULTS.answer("GET", code, status)
    with pytest.raises(ConfigError, match=said) as refusal:
        store.begin()
    assert SECRET not in str(refusal.value)
    assert NAME in str(refusal.value)
    store.begin()


def test_a_bucket_that_is_really_missing_is_no_lost_file(bucket, tmp_path):
    wrong = BucketStore(tmp_path, replace(bucket, name="never-created"))
    with pytest.raises(ConfigError, match="never-created"):
        wrong.begin()
    for ask in (wrong.fault, wrong.size_of, wrong.open):
        with pytest.raises(Busy):
            ask(SHA)


def test_what_is_sent_again_while_it_is_taken_aside_is_still_read(store, monkeypatch):
    """The upload finds the object whole; then tidying takes it aside; then the row is written."""
    put(store)
    copy = store._client.copy_object

    def slow(**given):
        answer = copy(**given)
        put(store)
        return answer

    monkeypatch.setattr(store._client, "copy_object", slow)
    assert not store.discard(SHA, kept_before=FUTURE)
    assert keys(store) == [f"aside/{SHA}"]
    with store.open(SHA) as stream:
        assert stream.read() == CONTENT
    assert store.verify(SHA)
    assert store.size_of(SHA) == len(CONTENT)
    assert list(store.stored()) == [SHA]
    assert not store.discard(SHA, kept_before=datetime(2020, 1, 1, tzinfo=UTC))
    monkeypatch.undo()
    put(store)  # and whoever sends it now gets an object under its name
    assert set(keys(store)) == {f"aside/{SHA}", f"{SHA[:2]}/{SHA[2:4]}/{SHA}"}
    assert list(store.stored()) == [SHA]


def test_leftovers_of_a_killed_upload_go_with_the_next_one(store):
    """The job that sweeps may run on another machine."""
    put(store)
    broken = store.temporary / "0123.part"
    broken.write_bytes(b"half")
    put(store)
    assert leftovers(store) == [broken]  # it may still be under way
    old = broken.stat().st_mtime - timedelta(hours=2).total_seconds()
    os.utime(broken, (old, old))
    put(store)
    assert leftovers(store) == []


def test_a_server_that_never_answers_is_not_waited_for(bucket, tmp_path, monkeypatch):
    assert (store_bucket.CONNECT_SECONDS, store_bucket.READ_SECONDS, store_bucket.TRIES) == (3, 10, 3)
    monkeypatch.setattr(store_bucket, "READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        mute = BucketStore(tmp_path, replace(bucket, endpoint=address))
        begun = time.monotonic()
        with pytest.raises(Busy):
            mute.ready()
        assert time.monotonic() - begun < 2
        with pytest.raises(Busy):
            put(mute)
        begun, waited = time.monotonic(), time.monotonic() - begun
        assert waited < 8
        for ask in (lambda: put(mute), lambda: mute.open(SHA), lambda: mute.size_of(SHA)):
            with pytest.raises(Busy):
                ask()  # nobody else waits for it now
        assert time.monotonic() - begun < 0.5
    assert leftovers(mute) == []
    mute._client, mute._probe = (store_bucket._client(bucket, tries) for tries in (3, 1))
    with pytest.raises(Busy):
        put(mute)
    mute.ready()  # it answers again
    put(mute)
    assert mute.verify(SHA)


def test_of_an_object_without_end_no_more_is_read_than_a_file_may_have():
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            assert self.given <= LARGEST
            self.given += size
            return b"x" * size

    assert store_bucket._copied(Endless(), None) == ""


def test_a_server_that_drips_is_not_waited_for(store, monkeypatch):
    put(store)
    monkeypatch.setattr(store_bucket, "LONGEST_READ", -1)
    with pytest.raises(Busy):
        store.open(SHA)
    assert leftovers(store) == []


def test_a_file_of_many_hashes_is_listed_page_by_page(store, monkeypatch):
    names = {put(store, b"file %d" % number).sha256 for number in range(5)}
    plain = store._client.get_paginator("list_objects_v2")
    pages = plain.paginate(Bucket=NAME, Prefix=store.bucket.prefix, PaginationConfig={"PageSize": 2})
    monkeypatch.setattr(store._client, "get_paginator", lambda _: type("P", (), {"paginate": lambda *_, **k: pages})())
    assert {name for name in store.stored() if store.size_of(name)} == names


S3 = {
    "CAMPAIGN_EVIDENCE_URL": "s3://campaign-evidence/county/",
    "CAMPAIGN_S3_ENDPOINT": "https://s3.example.cn",
    "CAMPAIGN_S3_ACCESS_KEY": ACCESS,
    "CAMPAIGN_S3_SECRET_KEY": SECRET,
}


def test_a_bucket_can_be_set():
    settings = load_settings(S3)
    made = ("campaign-evidence", "county/", "https://s3.example.cn", ACCESS, SECRET, "us-east-1", "path")
    assert settings.bucket == Bucket(*made)
    assert SECRET not in repr(settings) + repr(settings.bucket)
    assert settings.evidence_path == settings.data_path / "evidence"
    assert load_settings(S3 | {"CAMPAIGN_EVIDENCE_URL": "s3://abc"}).bucket.prefix == ""
    assert Settings().bucket is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"CAMPAIGN_EVIDENCE_URL": "s3://"}, "CAMPAIGN_EVIDENCE_URL"),
        ({"CAMPAIGN_EVIDENCE_URL": "s3://ab"}, "CAMPAIGN_EVIDENCE_URL"),
        ({"CAMPAIGN_EVIDENCE_URL": "s3://Bucket"}, "CAMPAIGN_EVIDENCE_URL"),
        ({"CAMPAIGN_EVIDENCE_URL": "s3://bucket/../x"}, "CAMPAIGN_EVIDENCE_URL"),
        ({"CAMPAIGN_S3_ENDPOINT": ""}, "CAMPAIGN_S3_ENDPOINT"),
        ({"CAMPAIGN_S3_ENDPOINT": "http://s3.example.cn"}, "CAMPAIGN_S3_ENDPOINT"),
        ({"CAMPAIGN_S3_ENDPOINT": "https://u:p@s3.example.cn"}, "CAMPAIGN_S3_ENDPOINT"),
        ({"CAMPAIGN_S3_ENDPOINT": "https://s3.example.cn/path"}, "CAMPAIGN_S3_ENDPOINT"),
        ({"CAMPAIGN_S3_ACCESS_KEY": ""}, "CAMPAIGN_S3_ACCESS_KEY"),
        ({"CAMPAIGN_S3_SECRET_KEY": ""}, "CAMPAIGN_S3_SECRET_KEY"),
        ({"CAMPAIGN_S3_SECRET_KEY": SECRET + "\n"}, "CAMPAIGN_S3_SECRET_KEY"),
        ({"CAMPAIGN_S3_REGION": ""}, "CAMPAIGN_S3_REGION"),
        ({"CAMPAIGN_S3_STYLE": "auto"}, "CAMPAIGN_S3_STYLE"),
    ],
)
def test_a_bucket_that_cannot_be_used_is_refused_by_name_and_without_its_key(change, named):
    with pytest.raises(ConfigError, match=named) as refusal:
        load_settings(S3 | change)
    assert SECRET not in str(refusal.value)


def test_the_library_is_taken_in_only_where_a_bucket_is_set():
    script = "import sys, campaign, campaign.cli\nsys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    assert run([sys.executable, "-c", script]).returncode == 0


def test_no_file_and_no_variable_of_other_tools_has_a_say(store, monkeypatch):
    for name, value in {
        "AWS_PROFILE": "nobody",
        "AWS_ENDPOINT_URL": closed_port(),
        "HTTP_PROXY": closed_port(),
    }.items():
        monkeypatch.setenv(name, value)
    other = BucketStore(store.folder, replace(store.bucket, region="cn-north-1"))
    other.ready()
    put(other)
    with pytest.raises(Damaged):
        store.open("0" * 64)
    assert store.fault("0" * 64) == MISSING
