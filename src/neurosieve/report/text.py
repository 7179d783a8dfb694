"""Text of a corpus on a page: nothing in it may vanish, reorder the line or pass for something else."""

from __future__ import annotations

import unicodedata

_MOVED = {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp", "Zs"}
"""Categories of characters that cannot be seen, or that change what stands around them."""


def visible(text: str, *, most: int = 60) -> str:
    r"""`text` with escapes for what cannot be seen, shortened to `most` characters.

    A single space inside a word stays. Joiners and variation selectors stay where they belong: in scripts and emoji that
    need them, between two visible characters.

    Examples
    --------
    >>> visible("no" + chr(0x202E) + "on")
    'no\\u202eon'
    >>> visible(" ")
    '\\x20'
    """
    if text == " ":
        return "\\x20"
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return "".join(_shown(c, inside=0 < i < len(cut) - 1) for i, c in enumerate(cut))


def _shown(c: str, *, inside: bool) -> str:
    if (c == " " and inside) or c in "\u200c\u200d\ufe0f" * inside:
        return c
    if unicodedata.category(c) not in _MOVED:
        return c
    code = ord(c)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
