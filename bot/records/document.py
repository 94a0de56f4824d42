"""A paper for the chart: a title and sections, which become plain text here and a PDF in `pdf.py`.

It knows nothing of patients or of what it is about, so that every paper of the clinic looks the same.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Paper = Literal["A4", "Letter"]

#: Countries whose printers hold Letter (ISO 3166); everywhere else it is A4.
_LETTER = frozenset({"US", "CA", "MX", "PR", "CL", "CO", "CR", "DO", "GT", "NI", "PA", "PH", "SV", "VE"})
#: Marks that turn the direction of what follows them: one in a patient's words could reorder a page.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Row:
    """A fact with its name. A value of several lines stays together under its label."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it: sentences, rows, and "" for a gap between groups of them."""

    heading: str
    lines: tuple[str | Row, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """What a paper says, in order. `subtitle` may have several lines.

    `made_at` is aware and becomes the PDF's creation date, so the same document gives the same bytes.
    `language` ("en" or "es") is that of the paper, not of the patient. `foot` stands at the foot of every
    page of the PDF, beside the title: whose paper it is, should the pages be parted.
    """

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    made_at: datetime
    language: str = "en"
    paper: Paper = "A4"
    foot: str = ""


def paper_for(country: str) -> Paper:
    """The paper size of a country (ISO 3166, two letters)."""
    return "Letter" if country.upper() in _LETTER else "A4"


def printable(text: str) -> str:
    """`text` composed (NFC), with line ends as "\\n", tabs as spaces, and neither control characters nor
    marks that turn the direction of writing."""
    lines = unicodedata.normalize("NFC", text).replace("\t", " ").splitlines()
    return "\n".join("".join(filter(_kept, line)) for line in lines)


def _kept(sign: str) -> bool:
    return unicodedata.category(sign) not in ("Cc", "Cs") and sign not in _TURNING


def one_line(text: str) -> str:
    """`text` with every run of white space as one space: words of others that must not break a line."""
    return " ".join(printable(text).split())


def as_text(document: Document) -> str:
    """The document as plain text to paste: no line is wrapped, and it ends with a line end.

    Headings stand in capitals at the margin. The further lines of a value are indented, so that nothing a
    patient wrote can pass for a heading.
    """
    parts = [one_line(document.title), printable(document.subtitle)]
    text = "\n".join(part for part in parts if part) + "\n"
    for section in document.sections:
        text += f"\n{one_line(section.heading).upper()}\n"
        text += "".join(f"{_line(line)}\n" for line in section.lines)
    return text


def _line(line: str | Row) -> str:
    if isinstance(line, Row):
        return f"{one_line(line.label)}: {_hanging(line.value)}".rstrip()
    return _hanging(line)


def _hanging(text: str) -> str:
    return printable(text).strip().replace("\n", f"\n{_INDENT}")
