"""Read YAML that people edit: a key written twice is an error, and every part knows its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.protocols.errors import ContentError

#: Keys and list positions from the top of a file, or of an entry, to one of its parts.
Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Marks:
    """The lines, counted from 1, on which the parts of a file or of one of its entries begin."""

    lines: Mapping[Where, int] = field(default_factory=dict)

    def line(self, *where: str | int) -> int | None:
        """The line of the part at `where`, or of the nearest part around it that is written at all."""
        for length in range(len(where), -1, -1):
            if (found := self.lines.get(where[:length])) is not None:
                return found
        return None

    def within(self, *where: str | int) -> Marks:
        """The marks of the part at `where`, seen from that part."""
        depth = len(where)
        return Marks({path[depth:]: line for path, line in self.lines.items() if path[:depth] == where})


#: libyaml's parser where PyYAML was built with it: ten times faster.
_SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SAFE):  # type: ignore[misc]
    """PyYAML keeps the last of two equal keys; here the second one is a fault."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                mark = key_node.start_mark
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is written twice", mark)
            seen.add(key)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def read_yaml(path: Path) -> Any:
    """The content of one YAML file. Raises `ContentError` naming the file, the line and the reason."""
    return read_marked(path)[0]


def read_marked(path: Path, name: str | None = None) -> tuple[Any, Marks]:
    """The content of one YAML file, and the line of each of its parts.

    `name` is what errors call the file. Raises `ContentError` naming the file, the line and the reason.
    """
    name = name or path.name
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ContentError(f"{name}: cannot be read ({error.strerror}); restore the file") from None
    except UnicodeDecodeError:
        raise ContentError(f"{name}: is not UTF-8; save it as UTF-8") from None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        data = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        # the end of a file counts as a line after its last
        last = len(text.splitlines()) or 1
        line = f":{min(error.problem_mark.line + 1, last)}" if error.problem_mark else ""
        raise ContentError(f"{name}{line}: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        line = f":{text.count(chr(10), 0, error.position) + 1}"
        raise ContentError(f"{name}{line}: not valid YAML: {error.reason}") from None
    except (yaml.YAMLError, TypeError) as error:  # a TypeError where a key is itself a list or a mapping
        raise ContentError(f"{name}: not valid YAML: {error}") from None
    return data, Marks(dict(_lines(node, ())) if node is not None else {})


def _lines(node: yaml.Node, where: Where, seen: set[int] | None = None) -> Iterator[tuple[Where, int]]:
    """The line of every part of `node`. A value stands where its key does: there a reader looks for it."""
    seen = set() if seen is None else seen
    if not where:
        yield where, node.start_mark.line + 1
    if id(node) in seen:  # an alias, perhaps of what it stands in: its lines are those of its first place
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            part = (*where, str(key.value))
            yield part, key.start_mark.line + 1
            yield from _lines(value, part, seen)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield (*where, number), value.start_mark.line + 1
            yield from _lines(value, (*where, number), seen)
