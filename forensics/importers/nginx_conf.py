"""Configuration of nginx: a file, or everything as `nginx -T` prints it.

The language is that of nginx.org/en/docs/beginners_guide.html#conf_structure. One row a directive, its blocks as key
(`http.server[shop.example].location[/api].proxy_pass`), its line as record number. Of `nginx -T` each file is a document of its own: where it was
included is not told. Directives that set something by name go by that name (`add_header[X-Frame-Options]`), of others with one key the second
is `name (2)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from forensics.importers._configuration import MAX_DEPTH, is_secret_name, masked, shown
from forensics.importers._lines import spans
from forensics.importers.contract import Head, Item, Reject, Row
from forensics.text import middle_cut

__all__ = ["spans"]

NAME = "nginx-conf"
TABLES = ("configuration",)
OBSERVER = "nginx.config"
BY_LINE = True
TIME_RULE = "a configuration has no time"
MAX_DIRECTIVES = 1_000_000
_MAX_KEY = 1000

_MARK = re.compile(r"# configuration file (.{1,4000}):\r?")
_PRINTED = re.compile(r"(?:nginx: [^\n]*\n|[ \t\r\n]){0,9}# configuration file /.{1,4000}:\r?\n")
_TOKEN = re.compile(
    r"""[ \t\r]++|\n|\#[^\n]*+|"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|[{};]|(?:\\.|\$\{[^}\n]{0,200}+\}|[^\s;{}\\])++|.""",
    re.DOTALL,
)
_OPENS = re.compile(
    r"(?m)^[ \t]*(?:http|events|stream|server|upstream [^\s{;]+|location [^{;\n]+|map [^{;\n]+)[ \t]*\{"
)
_KNOWN = re.compile(
    r"(?m)(?:^|(?<=[{;]))[ \t]*(?:listen|server_name|proxy_pass|root|include|worker_processes|worker_connections|error_log|access_log|ssl_certificate|user|return"
    r"|server|proxy_set_header|add_header|default_type|sendfile|keepalive_timeout|try_files|index|pid|log_format)[ \t]+[^\n;]*;"
)
_SHAPE = re.compile(r"[ \t]*(?:#.*|[^#]*[;{}][ \t]*(?:#.*)?|[\"'$~\w].*)")
# Directives whose first argument names what they set.
_NAMED = {
    *("add_header", "add_trailer", "proxy_set_header", "proxy_hide_header", "proxy_pass_header", "grpc_set_header", "set", "fastcgi_param"),
    *("uwsgi_param", "scgi_param", "more_set_headers", "env", "perl_set", "js_set", "limit_req_zone", "error_page", "auth_request_set"),
}  # fmt: skip
_SECRET_DIRECTIVES = {"secure_link_secret"}


@dataclass(slots=True)
class _Directive:
    """A directive: its name, its arguments as they stand there, its line, and what its block holds."""

    name: str
    arguments: list[str]
    line: int
    block: list[_Directive] | None = None


@dataclass(slots=True)
class _File:
    """The directives of one file; `trouble` says where reading ended and why."""

    path: str
    directives: list[_Directive] = field(default_factory=list)
    trouble: tuple[int, str] | None = None


def recognise(head: Head) -> int:
    """Certain by the mark that begins what `nginx -T` prints; else by a block, two known directives, and the shape of most lines."""
    if _PRINTED.match(head.text) and re.search(r"[;{]", head.text):
        return 95
    if not head.complete:  # a page of text may show a configuration
        return 0
    if not _OPENS.search(head.text) or len(_KNOWN.findall(head.text)) < 2:
        return 0
    fits = sum(_SHAPE.fullmatch(line) is not None for line in head.lines)
    return 80 if fits * 10 >= len(head.lines) * 9 else 0


def records(data: bytes) -> Iterator[Item]:
    """Yield a row a directive; a file whose blocks do not fit gives what comes before the fault, whose line is rejected."""
    content = data.decode("utf-8-sig", "backslashreplace")
    is_empty = True
    for file in _files(content):
        number, why = file.trouble or (0, "")
        for row in _rows(file):
            if row.record_no != number:
                is_empty = False
                yield row
        if why:
            is_empty = False
            yield Reject(number, why, content.split("\n", number)[number - 1].encode())
    if is_empty:
        yield Reject(1, "no directive", data)


def _files(content: str) -> Iterator[_File]:
    """Yield every file of `nginx -T`, or the one file; directives may not go on from one to the next."""
    reader, place = _Reader(_File("")), 0
    while place < len(content) and (match := _TOKEN.match(content, place)):
        part = match[0]
        is_comment = part[0] == "#" and (not place or content[place - 1] == "\n")
        if is_comment and (mark := _MARK.fullmatch(part)):
            yield reader.finished()
            reader = _Reader(_File(mark[1]), reader.line, reader.count)
        elif reader.file.trouble:
            reader.line += part.count("\n")
        else:
            reader.take(part, content, match.end())
        place = max(match.end(), reader.skip_to)
    yield reader.finished()


class _Reader:
    """Puts tokens together to the directives of one file."""

    def __init__(self, file: _File, line: int = 1, count: int = 0) -> None:
        self.file, self.line, self.count = file, line, count
        self.skip_to = 0
        self._blocks = [file.directives]
        self._words: list[str] = []
        self._begun = line
        self._opened: list[int] = []

    def take(self, part: str, content: str, end: int) -> None:
        """Read the next word, sign or blank; `end` is the place behind it."""
        if part.isspace() or part[0] == "#":
            self.line += part.count("\n")
        elif part == ";":
            self._end(None)
        elif part == "{":
            self._open(content, end)
        elif part == "}":
            self._close()
        else:
            self._begun = self._begun if self._words else self.line
            self._words.append(part)
            self.line += part.count("\n")

    def finished(self) -> _File:
        """Return the file; a block or directive that is open yet is its trouble."""
        if self._words or len(self._blocks) > 1:
            line = self._begun if self._words else self._opened[-1]
            self._fail("a block or directive that does not end", line)
        return self.file

    def _fail(self, reason: str, line: int) -> None:
        self.file.trouble = self.file.trouble or (line, f"not nginx's language: {reason}")

    def _end(self, block: list[_Directive] | None) -> None:
        if not self._words:
            return self._fail("a semicolon or block without a directive", self.line)
        self.count += 1
        if self.count > MAX_DIRECTIVES:
            return self._fail(f"more than {MAX_DIRECTIVES:,} directives", self.line)
        self._blocks[-1].append(_Directive(_unquoted(self._words[0]), self._words[1:], self._begun, block))
        self._words = []
        return None

    def _open(self, content: str, start: int) -> None:
        if self._words and self._words[0].endswith("_by_lua_block"):
            end = _brace(content, start)
            self._words.append(content[start:end].strip())
            self.line += content.count("\n", start, end)
            self.skip_to = end + 1
            self._end(None)
        elif len(self._blocks) > MAX_DEPTH:
            self._fail("nested too deeply", self.line)
        else:
            block: list[_Directive] = []
            self._end(block)
            self._blocks.append(block)
            self._opened.append(self._begun)

    def _close(self) -> None:
        if self._words or len(self._blocks) < 2:
            self._fail("a brace that closes nothing", self.line)
        else:
            self._blocks.pop()
            self._opened.pop()


def _brace(content: str, start: int) -> int:
    """Return where the block of another language ends: its braces are balanced."""
    depth = 1
    for match in re.compile(r"[{}]").finditer(content, start):
        depth += 1 if match[0] == "{" else -1
        if not depth:
            return match.start()
    return len(content)


def _rows(file: _File) -> Iterator[Row]:
    waiting = [_keyed(file.directives, "", is_masked=False)]
    while waiting:
        key, directive = next(waiting[-1], ("", None))
        if directive is None:
            waiting.pop()
        elif directive.block is None:
            yield Row("configuration", directive.line, _values(file, key, directive))
        else:
            is_masked = directive.name in ("map", "geo") and any(map(is_secret_name, directive.arguments[:1]))
            waiting.append(_keyed(directive.block, f"{key}.", is_masked=is_masked))


def _keyed(directives: list[_Directive], prefix: str, *, is_masked: bool) -> Iterator[tuple[str, _Directive | None]]:
    """Yield the directives of a block with their keys; of two with one key the second is `key (2)`."""
    seen: dict[str, int] = {}
    for directive in directives:
        key = masked(directive.name) if is_masked else _key(directive)
        seen[key] = seen.get(key, 0) + 1
        yield middle_cut(prefix + (key if seen[key] == 1 else f"{key} ({seen[key]})"), _MAX_KEY), directive


def _key(directive: _Directive) -> str:
    if directive.block is None:
        title = _unquoted(directive.arguments[0]) if directive.name in _NAMED and directive.arguments else ""
    elif directive.name == "server":
        names = next((inner.arguments for inner in directive.block if inner.name == "server_name"), [])
        title = _unquoted(names[0]) if names else ""
    else:
        title = shown(" ".join(map(_unquoted, directive.arguments)))
    return f"{directive.name}[{title}]" if title else directive.name


def _values(file: _File, key: str, directive: _Directive) -> dict[str, Any]:
    is_named = directive.name in _NAMED and bool(directive.arguments)
    arguments = directive.arguments[1:] if is_named else directive.arguments
    value = " ".join(map(_unquoted, arguments))
    if directive.name in _SECRET_DIRECTIVES:
        value = masked(value)
    return {
        "observer": OBSERVER,
        "configuration_key": key,
        "configuration_value": shown(value, _unquoted(directive.arguments[0]) if is_named else ""),
        "source_document": file.path or None,
    }


def _unquoted(word: str) -> str:
    """Return a quoted word without its quotes, where it holds no blank."""
    is_quoted = len(word) > 1 and word[0] in "\"'" and word[-1] == word[0]
    return word[1:-1] if is_quoted and not re.search(r"\s", word) else word
