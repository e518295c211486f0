"""One POST: where it goes, where it does not, when it ends, and how long it says to wait."""

import os
import time
from datetime import timedelta

import pytest

from campaign.notify.channels import http as posting
from campaign.notify.channels.http import Answer, post, refused
from campaign.notify.letters import Permanent, Temporary

from .answering import SILENCE, Reply, answering, http
from .fixtures import ANY, LETTER, settings


@pytest.fixture
def _proxied(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    assert os.environ["HTTP_PROXY"]


@pytest.mark.usefixtures("_proxied")
def test_no_proxy_of_the_environment_is_asked():
    with answering(http(b"{}")) as served:
        assert post(f"http://{served.host}/x", b"", {}, seconds=1).status == 200


def test_a_redirect_is_not_followed():
    with answering(http(b"{}")) as elsewhere:
        moved = http(b"", "307 Temporary Redirect", f"Location: http://{elsewhere.host}/")
        with answering(moved) as served:
            assert post(f"http://{served.host}/x?key=1", b"secret", {}, seconds=1).status == 307
    assert elsewhere.requests == []


@pytest.mark.parametrize("reply", [SILENCE, Reply(reads=False, holds=True), Reply(reads=False, drips=b"\x16")])
def test_a_handshake_that_does_not_come_is_cut_off(reply):
    began = time.monotonic()
    with answering(reply) as served, pytest.raises(Temporary):
        post(f"https://{served.host}/x", b"", {}, seconds=0.3)
    assert time.monotonic() - began < 0.8


def test_encryption_is_not_given_up():
    with answering(Reply(b"HTTP/1.1 200 OK\r\n\r\n{}", reads=False)) as served, pytest.raises(Temporary, match="SSL"):
        post(f"https://{served.host}/x", b"", {}, seconds=1)


def test_every_address_of_a_host_is_tried(monkeypatch):
    with answering(http(b"{}")) as served:
        port = int(served.host.rpartition(":")[2])
        real = posting.socket.getaddrinfo

        def two(*asked, **more):
            dead = [(*found[:4], ("127.0.0.1", 9)) for found in real("127.0.0.1", port, type=1)]
            return dead + real("127.0.0.1", port, type=1)

        monkeypatch.setattr(posting.socket, "getaddrinfo", two)
        assert post(f"http://several.example:{port}/", b"", {}, seconds=1).status == 200


@pytest.mark.parametrize("host", ["127.0.0.1:9", "no-such-host.invalid", "x" * 70, "例子.invalid"])
def test_nobody_there_is_temporary_and_tells_no_key(host):
    with pytest.raises(Temporary) as failure:
        post(f"http://{host}/hook/sesame?key=sesame", b"", {}, seconds=1)
    assert "sesame" not in str(failure.value)


def test_what_an_address_must_not_hold_is_not_quoted():
    with answering(http(b"{}")) as served, pytest.raises(Temporary) as failure:
        post(f"http://{served.host}/hook/sesame key", b"", {}, seconds=1)
    assert "sesame" not in str(failure.value)


def test_a_long_answer_is_read_only_so_far():
    with answering(ANY["a body without end"]) as served:
        assert len(post(f"http://{served.host}/", b"", {}, seconds=2).body) == posting.MOST + 1


@pytest.mark.parametrize(
    ("given", "wait"),
    [
        ("90", timedelta(seconds=90)),
        ("0", timedelta(minutes=1)),
        ("999999999999999999999", timedelta(days=1)),
        ("Fri, 20 Nov 2026 02:05:00 GMT", timedelta(minutes=5)),
        ("Fri, 20 Nov 2026 01:00:00 GMT", timedelta(minutes=1)),
        ("Fri, 20 Nov 2026 02:05:00 -0000", timedelta(minutes=5)),
        ("Fri, 20 Nov 2099 02:05:00 GMT", timedelta(days=1)),
        ("", timedelta(minutes=1)),
        ("soon", timedelta(minutes=1)),
        ("-5", timedelta(minutes=1)),
        ("1.5", timedelta(minutes=1)),
        ("٣", timedelta(minutes=1)),
        ("Fri, 99 Nov 2026 02:05:00 GMT", timedelta(minutes=1)),
    ],
)
def test_when_to_come_again(given, wait):
    failure = refused(Answer(429, given, b""), LETTER, settings(), wait=timedelta(minutes=1))
    assert isinstance(failure, Temporary)
    assert failure.wait == wait


@pytest.mark.parametrize("status", [300, 301, 304, 400, 401, 403, 404, 410, 413, 418])
def test_what_another_try_does_not_change(status):
    assert isinstance(refused(Answer(status, "", b""), LETTER, settings()), Permanent)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599, 200])
def test_what_another_try_may_not_meet(status):
    assert isinstance(refused(Answer(status, "", b""), LETTER, settings()), Temporary)
