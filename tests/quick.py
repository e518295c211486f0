"""What every test would do again with the same result is done once per process, and waits for no disk.

None of this replaces a part: templates are compiled by Jinja, addresses by Werkzeug, and SQLite writes what it writes.
"""

import gc
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from .make import PASSWORD_HASH


class Compiled(BytecodeCache):
    """Templates that an application before has compiled, by their place and their words."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Gives what is kept of the same words."""
        bucket.code = self.kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps it for the next application."""
        self.kept[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session")
def kept_templates() -> Compiled:
    """What templates come to, for every application of this process."""
    return Compiled()


@pytest.fixture(scope="session")
def kept_statements() -> LRUCache[Any, Any]:
    """What statements come to, for every engine of this process; dialects of one class are alike, see below."""
    return LRUCache(5_000)


@pytest.fixture(scope="session", autouse=True)
def quick_ground() -> Iterator[None]:
    """An address is compiled when it is first written, not when an application is made; a statement once for all
    engines of a kind; the cheap hash of the factories is not made strong at each sign-in, another weak one is; and
    SQLite leaves it to the system when its file comes to the disk: tests die by exceptions, and those that pull the
    plug start real processes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    compile_builder = Rule._compile_builder

    def later(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        made: list[Callable[..., tuple[str, str]]] = []

        def build(self: Rule, **values: Any) -> tuple[str, str]:
            if not made:
                made.append(compile_builder(rule, append_unknown))
            return made[0](self, **values)

        return build

    is_weak, ground = PasswordHasher.check_needs_rehash, sys.modules["campaign.connections"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", later)
        patch.setattr(DefaultDialect, "__eq__", lambda self, other: type(self) is type(other))
        patch.setattr(DefaultDialect, "__hash__", lambda self: hash(type(self)))
        patch.setattr(PasswordHasher, "check_needs_rehash", lambda *of: of[1] != PASSWORD_HASH and is_weak(*of))
        patch.setattr(ground, "SQLITE_PRAGMAS", (*ground.SQLITE_PRAGMAS, "synchronous=OFF"))
        yield
