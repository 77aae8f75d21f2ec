"""Text that came from outside, made safe to show where Streamlit reads markdown."""

import re
import unicodedata

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$:&^=@])")
_AUTOLINK = re.compile(r"(?i)(www)(?=\.)|(https?|ftp)(?=:)|(?<=\S)(?=@)")
_WORD_JOINER = "\u2060"
_INVISIBLE = {"Cc", "Cf", "Cs", "Co"}


def one_line(text: object, limit: int = 240) -> str:
    """Any value as one printable line of at most `limit` characters.

    Control characters and direction overrides, with which a file name can pose as another, are dropped.
    """
    flat = "".join(" " if character.isspace() else character for character in str(text))
    visible = "".join(
        character for character in flat if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}
    )
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def plain(text: object, limit: int = 600) -> str:
    """Any value as markdown that shows exactly its characters: no emphasis, link, image, math or icon.

    GitHub-flavored markdown turns bare addresses into links even when escaped, so those are split by an invisible
    word joiner.
    """
    line = _AUTOLINK.sub(lambda match: match.group(0) + _WORD_JOINER, one_line(text, limit))
    return _MARKDOWN.sub(r"\\\1", line)
