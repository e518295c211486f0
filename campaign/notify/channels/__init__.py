"""The ways to reach a person: one file and one line each. A channel is a function that sends or raises.

It raises Temporary or Permanent from `letters`; returning means the other side has taken the letter. It comes back
after `seconds`, whatever the other side does, and keeps its provider's limits of size; limits of pace stand here.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from ...config import Settings
from ...rules.telling import Channel
from ..letters import Letter
from . import dingtalk, feishu, mail, sms, webhook, wecom


class Send(Protocol):
    """Hands a letter over, or raises Temporary or Permanent; `seconds`: the longest that it may take."""

    def __call__(self, letter: Letter, settings: Settings, *, seconds: float = ...) -> None:
        """Hands it over."""


@dataclass(frozen=True)
class Way:
    """How a channel is served.

    `setting` turns it on. `needs`: the column of a person that becomes the letter's `to`; `must`: who lacks it cannot
    be told this way. `most_per_minute`: how many letters the provider takes, from all processes together.
    """

    setting: str
    send: Send
    needs: Literal["email", "phone", "login"]
    must: bool = True
    most_per_minute: int | None = None


WAYS: dict[Channel, Way] = {
    Channel.MAIL: Way("smtp_url", mail.send, needs="email"),
    Channel.WECOM: Way("wecom_webhook", wecom.send, needs="phone", must=False, most_per_minute=20),
    Channel.DINGTALK: Way("dingtalk_webhook", dingtalk.send, needs="phone", must=False, most_per_minute=20),
    Channel.FEISHU: Way("feishu_webhook", feishu.send, needs="login", most_per_minute=100),
    Channel.SMS: Way("sms_url", sms.send, needs="phone"),
    Channel.WEBHOOK: Way("webhook_url", webhook.send, needs="login"),
}


def configured(settings: Settings) -> tuple[Channel, ...]:
    """The channels that the settings turn on."""
    return tuple(channel for channel, way in WAYS.items() if getattr(settings, way.setting))
