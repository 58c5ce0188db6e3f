"""Ways to spoil a file: each is given the bytes of a journal and a source of chance, and returns other bytes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    Mutation = Callable[[bytes, random.Random], bytes]

NUMBER = re.compile(rb"(?<=[:\[,])-?\d+(?:\.\d+)?(?:e-?\d+)?(?=[,\]}])")
ODD = (
    *(
        b"-1",
        b"0",
        b"1",
        b"-0.0",
        b"0.5",
        b"1e308",
        b"1e999",
        b"9" * 30,
        b"9" * 5000,
        b"-9223372036854775809",
    ),
    *(b"NaN", b"Infinity", b"-Infinity", b"null", b"true", b'"7"', b'""', b"[]", b"{}", b"[7]", b'{"a":7}'),
    *(b"0x10", b"1_000", b"07", b"+5", b"", b"7 7"),
)
"""What may stand where a number stood."""
JUNK = (
    "\x00",
    "\u202e",
    "\ufeff",
    "\U0001f4a3",
    "\ud7ff",
    "e\u0301" * 50,
    "\x1b[31m",
    "</script>",
    "{{7*7}}",
    "\u2028",
)
MIB = 1 << 20
DEEP = 10_000


def flip_bytes(content: bytes, chance: random.Random) -> bytes:
    spoilt = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 5, 40))):
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def change_digits(content: bytes, chance: random.Random) -> bytes:
    """Still a number, and another one: what a pen would do."""
    match = chance.choice(list(NUMBER.finditer(content)))
    digits = bytearray(match[0])
    place = chance.choice([i for i, digit in enumerate(digits) if chr(digit).isdigit()])
    digits[place] = ord(chance.choice("0123456789"))
    return _spliced(content, match, bytes(digits))


def scale_number(content: bytes, chance: random.Random) -> bytes:
    match = chance.choice(list(NUMBER.finditer(content)))
    factor = chance.choice((2, 3, 10, 1000, 1e6, 0.5, 0.1, -1))
    scaled = float(match[0]) * factor
    whole = b"." not in match[0] and scaled == int(scaled)
    return _spliced(content, match, str(int(scaled) if whole else scaled).encode())


def replace_number(content: bytes, chance: random.Random) -> bytes:
    match = chance.choice(list(NUMBER.finditer(content)))
    return _spliced(content, match, chance.choice(ODD))


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def cut_out(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    return content[:start] + content[start + chance.choice((1, 7, 500, 4096)) :]


def swap_lines(content: bytes, chance: random.Random) -> bytes:
    lines = _lines(content)
    one, other = chance.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def repeat_line(content: bytes, chance: random.Random) -> bytes:
    lines = _lines(content)
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
    return b"".join(lines)


def drop_line(content: bytes, chance: random.Random) -> bytes:
    lines = _lines(content)
    del lines[chance.randrange(len(lines))]
    return b"".join(lines)


def mix(content: bytes, chance: random.Random) -> bytes:
    """Lines of another build among these."""
    other = content.replace(b"1.31.1", b"1.30.0").replace(b'"round":1', b'"round":2')
    lines, foreign = _lines(content), _lines(other)
    for _ in range(chance.choice((1, 2, 5))):
        lines[chance.randrange(len(lines))] = chance.choice(foreign)
    return b"".join(lines)


def break_keys(content: bytes, chance: random.Random) -> bytes:
    """Remove, rename or add a key of any object in any line."""
    lines = _lines(content)
    number = chance.randrange(len(lines))
    record = json.loads(lines[number])
    target = chance.choice([found for found in _objects(record) if found])
    key = chance.choice(list(target))
    match chance.randrange(4):
        case 0:
            del target[key]
        case 1:
            target[chance.choice((key.upper(), f"{key}_", "", "__proto__"))] = target.pop(key)
        case 2:
            target[chance.choice(("surprise", "kind", "\x1b[31m", "x" * 5000))] = 1
        case 3:
            target[key] = chance.choice((None, True, [], {}, "x" * 5000, -1, [[[]]], {"kind": "header"}))
    lines[number] = json.dumps(record).encode() + b"\n"
    return b"".join(lines)


def insert_junk(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    junk = chance.choice(JUNK).encode("utf-8", "surrogatepass")
    escaped = json.dumps(chance.choice(JUNK))[1:-1].encode()
    return content[:place] + chance.choice((junk, escaped, b"\\ud800", b"\\u0000")) + content[place:]


def invalid_utf8(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    wrong = chance.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xe4\xb8"))
    return content[:place] + wrong + content[place:]


def nest_deeply(content: bytes, chance: random.Random) -> bytes:
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    depth = chance.choice((3, 200, DEEP))
    nested = opening * depth + b"1" + closing * chance.choice((depth, 0))
    if chance.random() < 0.5:
        return _spliced(content, chance.choice(list(NUMBER.finditer(content))), nested)
    lines = _lines(content)
    lines.insert(chance.randrange(len(lines) + 1), nested + b"\n")
    return b"".join(lines)


def megabyte(content: bytes, chance: random.Random) -> bytes:
    filling = chance.choice((b"x", "中".encode(), b"\\n", b" ", b"\n", b"\x00", b"9", b'{"kind":"sample"}\n'))
    place = chance.randrange(len(content))
    return content[:place] + filling * (MIB // len(filling)) + content[place:]


def _lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


def _spliced(content: bytes, match: re.Match[bytes], instead: bytes) -> bytes:
    return content[: match.start()] + instead + content[match.end() :]


def _objects(found: Any) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        yield found
        for value in found.values():
            yield from _objects(value)
    elif isinstance(found, list):
        for value in found:
            yield from _objects(value)


MUTATIONS: dict[Mutation, int] = {
    flip_bytes: 2000,
    change_digits: 2000,
    scale_number: 1500,
    replace_number: 1500,
    cut: 800,
    cut_out: 400,
    swap_lines: 400,
    repeat_line: 300,
    drop_line: 100,
    mix: 500,
    break_keys: 1200,
    insert_junk: 400,
    invalid_utf8: 200,
    nest_deeply: 200,
    megabyte: 60,
}
"""Each with the number of files that are spoilt by it."""
