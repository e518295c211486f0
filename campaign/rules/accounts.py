"""What a login name and a password must be, and who may administer whom."""

import re
import string
import unicodedata
from collections.abc import Iterable

from ..errors import Sentence, say
from .organisation import Actor, Line, Role

SHORTEST = 10
LONGEST = 128  # beyond any sentence a person remembers; keeps hashing cheap
CLASSES = 3
LOGIN = re.compile(r"[\w.@-]{2,64}")
CLASS_PATTERNS = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"), re.compile("[^a-zA-Z0-9]"))
# What is left of a password when the usual substitutions are undone and all but the letters is dropped.
COMMON_WORDS = frozenset({
    "password", "passwd", "pass", "admin", "administrator", "root", "user", "guest", "test", "welcome", "letmein",
    "qwerty", "qwertyuiop", "qwer", "qwe", "qweasd", "qweasdzxc", "asdf", "asd", "asdfgh", "asdfghjkl", "zxc", "zxcvbn",
    "qazwsx", "qazwsxedc", "qaz", "abc", "abcd", "abcde", "abcdef", "aa", "aaa", "abcabc", "iloveyou", "woaini",
    "woaiwojia", "woaizuguo", "zhongguo", "china", "beijing", "changeme", "secret", "hello", "dragon", "monkey",
    "sunshine", "huawei", "wang", "zhang", "mima", "wodemima",
})  # fmt: skip
DISGUISES = str.maketrans({"0": "o", "@": "a", "$": "s", "3": "e"})
RUNS = ("12345678", "87654321", "11111111", "00000000", "88888888", "66666666", "1qaz2wsx", "1q2w3e4r", "qwer1234")


def normal_login(text: str) -> str:
    """The one spelling of a login name: no spaces around it, half-width, lower case."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def normal_password(text: str) -> str:
    """The one spelling of a password: a digit typed full-width is the same digit."""
    return unicodedata.normalize("NFKC", text)


def login_problem(login: str) -> Sentence | None:
    """What is wrong with a login name in its normal spelling, or None."""
    if LOGIN.fullmatch(login):
        return None
    return say("A login name has 2 to 64 letters, digits or the signs . _ - @ and no spaces.")


def password_problems(password: str, *, login: str, name: str) -> list[Sentence]:
    """Everything that is wrong with a password in its normal spelling, one sentence each."""
    problems = []
    if len(password) < SHORTEST:
        problems.append(say("Use at least %(number)s characters.", number=SHORTEST))
    if len(password) > LONGEST:
        problems.append(say("Use at most %(number)s characters.", number=LONGEST))
    if sum(bool(pattern.search(password)) for pattern in CLASS_PATTERNS) < CLASSES:
        problems.append(say("Use three of these four: small letters, capital letters, digits, other signs."))
    lower = password.lower()
    if any(len(part) >= least and part.lower() in lower for part, least in ((login, 3), (name, 2))):
        problems.append(say("Leave your login name and your own name out of it."))
    if is_common(password):
        problems.append(say("Too many people use this password, or one very like it. Choose another."))
    return problems


def is_common(password: str) -> bool:
    """Whether it is a well-known word in disguise, or a run of keys."""
    lower = password.lower()
    middle = lower.strip(string.digits + string.punctuation + " ")  # a year or a sign at the end hides nothing
    cores = {re.sub("[^a-z]", "", spelling) for spelling in (lower, middle.translate(DISGUISES))}
    return bool(cores & COMMON_WORDS) or any(run in lower for run in RUNS)


def may_administer(actor: Actor, line: Line, lft: int) -> bool:
    """Whether the actor administers the units of that line at that place: 党委 all lines below it, others their own."""
    return actor.is_system or any(
        post.role is Role.ADMINISTRATOR and post.lft <= lft <= post.rgt and post.line in (Line.PARTY, line)
        for post in actor.posts
    )


def may_administer_all(actor: Actor, places: Iterable[tuple[Line, int]]) -> bool:
    """Whether the actor administers all of these (line, lft): nobody gains a higher post through a lower one."""
    return all(may_administer(actor, line, lft) for line, lft in places)
