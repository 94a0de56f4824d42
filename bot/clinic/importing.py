"""Patients and treatments from a CSV file of another system: row by row, each whole or not at all.

A row that was imported before changes nothing, so that a file can be mended and given again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.clinic.enrolment import EnrolmentInvalid, enrol, rehearse
from bot.protocols.catalogue import catalogue

REQUIRED = (
    "first_name", "last_name", "phone", "product", "lot", "expiry", "areas", "treated_at",
    "consent_aftercare_texts",
)  # fmt: skip
OPTIONAL = ("language", "time_zone", "location", "technique_note", "goals_endpoints", "goals_longer")
_YES = frozenset({"1", "y", "yes", "true", "x", "si", "sí", "s"})
_LANGUAGES = {
    "english": "en",
    "inglés": "en",
    "ingles": "en",
    "spanish": "es",
    "español": "es",
    "espanol": "es",
}
MOST_BYTES = 20_000_000  #: about 100,000 rows


class FileUnusable(ValueError):
    """Nothing can be read from the file; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file as the enrolment form takes it."""

    line: int  #: in the file, counted from 1 with the header
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row. `errors` says for each column what to do; `over`: no day of its check-ins is
    left."""

    line: int
    state: Literal["new", "known", "wrong"]
    errors: Mapping[str, str]
    over: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, and the columns that were left out because nothing is called so."""

    rows: Sequence[Row]
    ignored: Sequence[str]


def read_table(data: bytes) -> Table:
    """The rows of a CSV file with commas, semicolons or tabs, in UTF-8 or as Excel saves it.

    Raises `FileUnusable` for no text, no rows, or a missing column.
    """
    if len(data) > MOST_BYTES:
        raise FileUnusable(f"The file is larger than {MOST_BYTES // 1_000_000} MB: split it.")
    if b"\x00" in data:
        raise FileUnusable("This is no CSV file. Save the sheet as CSV (UTF-8) and import that.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    header = text.splitlines()[0] if text.strip() else ""
    separator = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, restkey="", restval="")
    columns = {name: _column(name) for name in reader.fieldnames or ()}
    missing = [name for name in REQUIRED if name not in columns.values()]
    if missing:
        raise FileUnusable(
            f"The first line must name the columns. Missing: {', '.join(missing)}. "
            f"Known: {', '.join((*REQUIRED, *OPTIONAL))}."
        )
    known = {*REQUIRED, *OPTIONAL}
    try:
        rows = []
        for row in reader:
            cells = {columns[name]: cell for name, cell in row.items() if name in columns}
            if any(cell.strip() for cell in cells.values()):
                rows.append(Row(reader.line_num, _fields(cells)))
    except csv.Error as error:
        raise FileUnusable(f"Line {reader.line_num} cannot be read ({error}): check its quotes.") from None
    if not rows:
        raise FileUnusable("The file has no rows under its first line.")
    return Table(rows, sorted(name for name, column in columns.items() if column not in known))


def import_rows(clinic_id: str, rows: Sequence[Row], *, dry_run: bool = False) -> Iterator[Outcome]:
    """Enrol row by row and say of each what became of it, as soon as that is known.

    With `dry_run` nothing is written, and rows that would contradict one another are told all the same.
    """
    names: dict[str, str] = {}
    for row in rows:
        try:
            if dry_run:
                rehearsal = rehearse(clinic_id, row.fields)
                form, known, over = rehearsal.form, rehearsal.known, rehearsal.over
                name = f"{form.first_name} {form.last_name}"
                before = names.setdefault(form.phone, name)
                if before.casefold() != name.casefold():
                    raise EnrolmentInvalid(
                        {"phone": f"This number belongs to {before}. Check the number, or the name."}
                    )
            else:
                result = enrol(clinic_id, row.fields, in_person=False)
                known, over = result.known, result.over
        except EnrolmentInvalid as invalid:
            yield Outcome(row.line, "wrong", invalid.errors)
        else:
            yield Outcome(row.line, "known" if known else "new", {}, over)


def _column(name: str) -> str:
    return "_".join(name.strip().lower().replace("-", " ").split())


def _fields(cells: Mapping[str, str]) -> dict[str, object]:
    fields: dict[str, object] = {name: cell.strip() for name, cell in cells.items() if cell.strip()}
    areas = str(fields.get("areas", "")).replace("|", ";").split(";")
    fields["areas"] = [area for area in areas if area.strip()]
    consent = str(fields.get("consent_aftercare_texts", "")).lower()
    fields["consent_aftercare_texts"] = consent in _YES
    if "language" in fields:
        language = str(fields["language"]).lower()
        fields["language"] = _LANGUAGES.get(language, language)
    if "product" in fields:
        fields["product"] = _product(str(fields["product"]))
    return fields


def _product(name: str) -> str:
    """The catalogue id of a product named by id, name or alias; the name itself when there is none."""
    wanted = name.casefold()
    for product in catalogue().products.values():
        if wanted in {product.id, product.name.casefold(), *(alias.casefold() for alias in product.aliases)}:
            return product.id
    return name
