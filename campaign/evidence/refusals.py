"""Why a file is not accepted: one sentence for each reason, with the status the door answers."""

from ..errors import Invalid, Sentence, say

NOT_ACCEPTED = 415
TOO_LARGE = 413


def too_large(limit_mb: int) -> Invalid:
    """More bytes than one file may have."""
    return _refusal(say("The file is larger than %(limit)s MB. Please make it smaller.", limit=limit_mb), TOO_LARGE)


def too_many_points(width: int, height: int) -> Invalid:
    """A picture that would fill the memory when it is shown."""
    return _refusal(
        say("The picture has %(width)s × %(height)s points, more than can be shown.", width=width, height=height),
        TOO_LARGE,
    )


def bomb() -> Invalid:
    """A package that unpacks to far more than it weighs."""
    return _refusal(say("The file would unpack to far more than it should and is not accepted."), TOO_LARGE)


def empty() -> Invalid:
    """No bytes at all."""
    return _refusal(say("The file is empty."))


def broken() -> Invalid:
    """The end or the head is missing."""
    return _refusal(say("The file is damaged or incomplete. Please save it again and add it once more."))


def two_things() -> Invalid:
    """A picture that is a web page or an archive too."""
    return _refusal(say("The file looks like a picture or document but holds something else too. It is not accepted."))


def program() -> Invalid:
    """What a double click would run."""
    return _refusal(say("Programs, web pages and macro files are not accepted. Please add a picture or a document."))


def web_page() -> Invalid:
    """Text that a browser would run."""
    return _refusal(say("Web pages and scripts are not accepted. Please add a picture, a PDF or a document."))


def macros() -> Invalid:
    """A document that brings a program along."""
    return _refusal(say("Files with macros are not accepted. Please save it without macros and add it again."))


def carries_program() -> Invalid:
    """A program, or a further package, inside a document."""
    return _refusal(say("The file carries a program or a packed file inside and is not accepted."))


def unsafe_parts() -> Invalid:
    """Parts that would climb out of their folder when unpacked."""
    return _refusal(say("The file holds parts with unsafe names and is not accepted."))


def archive() -> Invalid:
    """A zip, rar or the like."""
    return _refusal(say("Archives are not accepted. Please add the files one by one."))


def locked() -> Invalid:
    """A document that nobody else can read."""
    return _refusal(say("The file is locked with a password. Please save it without one and add it again."))


def unknown() -> Invalid:
    """None of the kinds that are accepted."""
    return _refusal(say("This kind of file is not accepted. Please add a picture, a PDF, an Office, WPS or OFD file."))


def _refusal(sentence: Sentence, status: int = NOT_ACCEPTED) -> Invalid:
    return Invalid(sentence, status=status)
