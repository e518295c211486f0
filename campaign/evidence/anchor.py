"""The anchor: the head of the log's chain, written to a folder outside the database.

A chain alone does not show that its newest links were cut off, or that all of it was made anew. Somebody who holds a
former head can tell. One line per head: sequence number, digest, instant.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

FILE = "log-heads.txt"


@dataclass(frozen=True)
class Head:
    """A head as it was at some time."""

    seq: int
    digest: str
    at: str


def write_head(folder: Path, seq: int, digest: str, at: datetime) -> bool:
    """Appends the head unless it is the last one written already; flushed to the disk before it returns."""
    folder.mkdir(parents=True, exist_ok=True)
    known = read_heads(folder)
    if known and known[-1].seq >= seq:
        return False
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(f"{seq} {digest} {at.isoformat()}\n")
        file.flush()
        os.fsync(file.fileno())
    return True


def read_heads(folder: Path) -> list[Head]:
    """All heads written so far, oldest first; a line that was torn by a power cut is passed over."""
    path = folder / FILE
    if not path.exists():
        return []
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return [Head(int(parts[0]), parts[1], parts[2]) for parts in lines if len(parts) == 3 and parts[0].isdigit()]
