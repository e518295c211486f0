"""Uploaded tables between their preview and the confirmation: kept for a day, each for the person who sent it."""

import errno
import re
import secrets
import shutil
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from ..errors import NoSpace, Refused, say

KEPT = timedelta(days=1)
TOKEN = re.compile(r"[0-9a-f]{32}")


def keep_table(folder: Path, stream: IO[bytes], *, owner: int, now: datetime) -> str:
    """Keeps the file and gives the token it is asked for by; forgets what has waited too long. Raises NoSpace."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    _forget_old(folder, now)
    token = secrets.token_hex(16)
    path = _path(folder, token, owner)
    try:
        stream.seek(0)
        with path.open("xb") as target:
            shutil.copyfileobj(stream, target)
    except OSError as error:
        path.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace(say("There is no room left to keep the file. Nothing was changed.")) from error
        raise
    return token


def open_table(folder: Path, token: str, *, owner: int) -> IO[bytes]:
    """The kept file, for its owner alone. Refused when it is not, or no longer, there."""
    if TOKEN.fullmatch(token):
        with suppress(FileNotFoundError):
            return _path(folder, token, owner).open("rb")
    raise Refused(
        say("This file is no longer kept here: it was imported, or a day has passed. Please upload it again.")
    )


def forget_table(folder: Path, token: str, *, owner: int) -> None:
    """Removes a file that has been imported."""
    if TOKEN.fullmatch(token):
        _path(folder, token, owner).unlink(missing_ok=True)


def _path(folder: Path, token: str, owner: int) -> Path:
    return folder / f"{owner}-{token}"


def _forget_old(folder: Path, now: datetime) -> None:
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if now.timestamp() - path.stat().st_mtime > KEPT.total_seconds():
                path.unlink()
