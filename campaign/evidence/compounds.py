"""Looking into compound files, as old Office and WPS write them: what they are, whether they have macros or are locked.

The names of the streams say what it is; the first bytes of the main stream say whether a password was set.
"""

import hashlib
import re
import struct

from . import refusals
from .pixels import Data

ENTRY, NAME_LENGTH, FIRST_SECTOR = 128, 64, 116  # of the directory: the size of an entry, and where it says what
SECTOR_SHIFT = 30
WORD, WORD_LOCKED = b"\xec\xa5", 0x0100
BOOKS = ("Workbook", "Book")
BEGIN, FILEPASS, MOST_BEFORE = 0x0809, 0x002F, 8  # records of a workbook; the password stands among the first
RC4 = struct.pack("<HHH", 1, 1, 1)
NOT_ASKED_FOR = "VelvetSweatshop".encode("utf-16-le")  # Excel's own word where only the structure is protected
SHEET = re.compile(rb"\x85\x00(.)\x00.{4}[\x00-\x02]\x01(.)(.)", re.DOTALL)  # of macros, in the old language of Excel 4
HEAD, BLOCKS = 4096, 16


def compound_type(data: Data) -> str:
    """The media type of an old compound file, by the names of its streams. Raises Invalid for what is not accepted."""

    def holds(name: str) -> bool:
        return data.find(name.encode("utf-16-le")) >= 0

    if holds("EncryptedPackage") or _locked(data):
        raise refusals.locked()
    if holds("_VBA_PROJECT"):
        raise refusals.macros()
    if holds("WordDocument"):
        return "application/msword"
    if holds("Workbook") or data.find("Book\0".encode("utf-16-le")) >= 0:
        if any(int.from_bytes(found[1]) == 8 + found[2][0] * (1 + (found[3][0] & 1)) for found in SHEET.finditer(data)):
            raise refusals.macros()
        return "application/vnd.ms-excel"
    if holds("PowerPoint Document"):
        return "application/vnd.ms-powerpoint"
    if holds("WpsContent") or holds("WPSOffice") or holds("EtContent"):
        return "application/vnd.ms-works"
    raise refusals.unknown()


def _locked(data: Data) -> bool:
    """Whether nobody can read it without a password, as far as that is sure; what is in doubt is accepted."""
    word = _head_of(data, "WordDocument")
    if word[:2] == WORD and len(word) > 12 and struct.unpack_from("<H", word, 10)[0] & WORD_LOCKED:
        return True
    return any(_book_is_locked(_head_of(data, name)) for name in BOOKS)


def _head_of(data: Data, name: str) -> bytes:
    """How the stream with that name begins; nothing when there is none."""
    wanted = name.encode("utf-16-le") + b"\0\0"
    sector, at = 1 << min(12, int.from_bytes(data[SECTOR_SHIFT : SECTOR_SHIFT + 2], "little")), data.find(wanted)
    while at >= 0:
        said = data[at + NAME_LENGTH : at + NAME_LENGTH + 2]
        if at % ENTRY == 0 and int.from_bytes(said, "little") == len(wanted):
            begin = (int.from_bytes(data[at + FIRST_SECTOR : at + FIRST_SECTOR + 4], "little") + 1) * sector
            return bytes(data[begin : begin + HEAD])
        at = data.find(wanted, at + 2)
    return b""


def _book_is_locked(head: bytes) -> bool:
    at = 0
    for number in range(MOST_BEFORE):
        if at + 4 > len(head):
            return False
        kind, length = struct.unpack_from("<HH", head, at)
        if number == 0 and kind != BEGIN:
            return False
        if kind == FILEPASS:
            said = head[at + 4 : at + 4 + length]
            return said.startswith(RC4) and len(said) == 54 and not _opens(NOT_ASKED_FOR, said[6:])
        at += 4 + length
    return False


def _opens(password: bytes, said: bytes) -> bool:
    """Whether the password is the right one; `said`: salt, a number and its hash, 16 bytes each, two of them locked."""
    salt, both = said[:16], said[16:48]
    first = hashlib.md5(password, usedforsecurity=False).digest()[:5]
    second = hashlib.md5((first + salt) * BLOCKS, usedforsecurity=False).digest()[:5]
    key = hashlib.md5(second + bytes(4), usedforsecurity=False).digest()
    number = _rc4(key, both)
    return hashlib.md5(number[:16], usedforsecurity=False).digest() == number[16:]


def _rc4(key: bytes, text: bytes) -> bytes:
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) & 255
        box[i], box[j] = box[j], box[i]
    out, i, j = bytearray(), 0, 0
    for byte in text:
        i = (i + 1) & 255
        j = (j + box[i]) & 255
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) & 255])
    return bytes(out)
