"""Mail, beyond the contract of all channels; and what the registry of channels says."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from campaign.config import Settings
from campaign.models import Person
from campaign.notify.channels import WAYS, configured, mail
from campaign.notify.letters import Letter, Permanent, Temporary
from campaign.rules.telling import Channel

from .sink import Sink, running, saying

WRITTEN = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
LETTER = Letter(
    "delivery.1", "wang@county.example", "王芳", "退回修改：建会率", "请修改。\n.\n", "<p>请修改。</p>", WRITTEN
)
READY, HELLO, FINE = b"220 ready\r\n", b"250 hello\r\n", b"250 fine\r\n"


def send(url: str, letter: Letter = LETTER) -> None:
    mail.send(letter, Settings(smtp_url=url, mail_from="campaign@county.example"), seconds=0.4)


def test_every_channel_has_a_way_and_a_setting():
    assert set(WAYS) == set(Channel)
    assert configured(Settings()) == ()
    for channel, way in WAYS.items():
        assert configured(replace(Settings(), **{way.setting: "x"})) == (channel,)


def test_what_a_way_needs_is_a_column_of_a_person():
    for way in WAYS.values():
        assert way.needs in Person.__table__.columns
        assert way.must or way.needs == "phone"  # a robot says it to the group without a mention
    assert all(WAYS[robot].most_per_minute for robot in (Channel.WECOM, Channel.DINGTALK, Channel.FEISHU))


def test_a_letter_arrives_whole(sink):
    send(sink.url)
    letter = sink.letters[0]
    assert sink.recipients == ["wang@county.example"]
    assert letter["Subject"] == "退回修改：建会率"
    assert letter["To"].addresses[0].display_name == "王芳"
    assert letter["From"] == "campaign@county.example"
    assert letter["Message-ID"] == "<delivery.1@county.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"].datetime == WRITTEN
    assert sink.text().split() == ["请修改。", "."]
    assert "<p>请修改。</p>" in letter.get_body(("html",)).get_content()


@pytest.mark.parametrize(
    ("rcpt", "data", "raised"),
    [
        ("450 mailbox busy", "250 OK", Temporary),
        ("550 no such user", "250 OK", Permanent),
        ("250 OK", "451 try later", Temporary),
        ("250 OK", "552 too much", Permanent),
        ("250 OK", "554 refused", Permanent),
    ],
)
def test_refusals_are_for_now_or_for_good(sink, rcpt, data, raised):
    sink.answer_rcpt, sink.answer_data = rcpt, data
    with pytest.raises(raised, match=r"^[45]\d\d "):
        send(sink.url)
    assert sink.letters == []


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (b"hello there\r\n",),
        (b"\xff\xfe\x00\x01" * 100 + b"\r\n",),
        (b"9" * 20_000,),
        (b"554 go away\r\n",),
        (b"421 too busy\r\n",),
        (READY, b"nonsense\r\n", b"nonsense\r\n"),
        (READY, HELLO, b"abc\r\n"),
        (READY, HELLO, FINE, FINE, b"354 go on\r\n"),
        (READY, HELLO, FINE, FINE, b"354 go on\r\n", b"garbage\r\n"),
    ],
)
def test_nonsense_and_silence_are_tried_again_and_soon_known(lines):
    began = time.monotonic()
    with saying(*lines) as url, pytest.raises(Temporary):
        send(url)
    assert time.monotonic() - began < 4


def test_a_letter_that_was_taken_is_sent_whatever_is_said_at_the_end():
    with saying(READY, HELLO, FINE, FINE, b"354 go on\r\n", b"250 taken\r\n", b"999 nonsense\r\n") as url:
        send(url)


def test_nobody_listens():
    with saying() as url:
        pass
    with pytest.raises(Temporary):
        send(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "smtp://127.0.0.1:99999", "nonsense"])
def test_an_address_of_no_server_is_said(url):
    with pytest.raises(Temporary):
        send(url)


@pytest.mark.parametrize("address", ["", "nobody", "a b@c", "@", "a@b\r\nBcc: all@county.example", "王@县.example"])
def test_an_address_that_cannot_be_written_is_permanent(sink, address):
    with pytest.raises(Permanent):
        send(sink.url, replace(LETTER, to=address))
    assert sink.letters == []


def test_no_line_of_ours_becomes_a_header(sink):
    send(sink.url, replace(LETTER, subject="a\r\nBcc: all@county.example", name='"\r\nBcc: x@y.example'))
    letter = sink.letters[0]
    assert letter["Bcc"] is None
    assert letter["Subject"] == "a Bcc: all@county.example"
    assert sink.recipients == ["wang@county.example"]


PLAIN = pytest.mark.filterwarnings("ignore:Requiring AUTH")  # the sink would rather have encryption


@PLAIN
def test_a_name_and_password_are_given_where_they_are_wanted():
    with running(Sink(), password="p@ss/word") as sink:
        with pytest.raises((Temporary, Permanent)):
            send(sink.url)
        with pytest.raises(Temporary):
            send(sink.url.replace("//", "//campaign:wrong@"))
        assert sink.letters == []
        send(sink.url.replace("//", "//campaign:p%40ss%2Fword@"))
        assert len(sink.letters) == 1


@PLAIN
def test_no_password_goes_out_in_the_clear():
    """127.0.0.2 is this machine too, but mail takes it for a stranger."""
    with running(Sink(), host="127.0.0.2", password="secret") as sink:
        with pytest.raises(Temporary, match="not sent"):
            send(sink.url.replace("//", "//campaign:secret@"))
        assert sink.letters == []
