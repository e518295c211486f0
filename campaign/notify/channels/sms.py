"""Short messages: the provider's approved template, filled with a name, a number and a page; never a free text."""

from collections.abc import Callable

from ...config import Settings, Sms
from ..letters import Letter, Permanent
from . import aliyun, tencent
from .http import LONGEST
from .wording import home, mobile

LONGEST_NAME = 12  # characters; the providers take 12 to 35 of a value
PROVIDERS: dict[str, Callable[[Letter, Settings, Sms, str, dict[str, str], float], None]] = {
    "aliyun": aliyun.send,
    "tencent": tencent.send,
}


def send(letter: Letter, settings: Settings, *, seconds: float = LONGEST) -> None:
    """Sends the template to the mobile number. Raises Temporary or Permanent; Permanent where there is no number."""
    number = mobile(letter.to)
    if not number:
        raise Permanent("this is no mobile number of the mainland")
    account = settings.sms
    given = values(letter, settings)
    chosen = {name: given[name] for name in account.values}
    PROVIDERS[account.provider](letter, settings, account, number, chosen, seconds)


def values(letter: Letter, settings: Settings) -> dict[str, str]:
    """What a template may use, none of it empty: who, how many messages, and the page without the host.

    The host stands in the template: providers refuse whole addresses as a value.
    """
    link = letter.points[0].link if len(letter.points) == 1 else home(settings)
    path = link.removeprefix(settings.address).strip("/") or home(settings).removeprefix(settings.address).strip("/")
    name = "".join(sign for sign in letter.name if sign.isalnum() or sign in " ·")  # other signs are refused too
    return {"name": name.strip()[:LONGEST_NAME] or "-", "count": str(len(letter.points) or 1), "link": path}
