"""A document as a PDF with selectable text, in a font that has accents, Greek, Cyrillic and Arabic.

The font is DejaVu Sans, which matplotlib ships. A character that it lacks, such as most emoji, is written as
its Unicode name in square brackets: no word or sign of a patient's is dropped without a trace.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import unicodedata
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import CoreFont, TTFFont

from bot.records.document import Document, Row, Section, one_line, printable

#: Lengths in millimetres, font sizes in points.
_MARGIN = 18
_FOOT = 16
_TITLE, _HEADING, _BODY, _SMALL = 16, 11.5, 9.5, 8
_LEADING = 1.4
#: What the sizes are multiplied by, in turn, until a paper fits its page.
_SCALES = (1.0, 0.9, 0.82, 0.74)
_GAP = 2.5
#: Stands for the number of pages until it is known; `_drawn` keeps it out of everybody's words.
_TOTAL = "{pages}"
_PAGE = {"en": "Page {page} of {pages}", "es": "Página {page} de {pages}"}
#: Invisible by design, or only a shade: joiners of emoji, choosers of a glyph's look, marks of direction, and
#: the skin tones of emoji.
_SILENT = frozenset("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\ufe0e\ufe0f") | frozenset(
    map(chr, range(0x1F3FB, 0x1F400))
)
_INK, _GREY, _RULE = 20, 90, 190


class FontMissing(RuntimeError):
    """The font files are not installed; the message says what to do."""


def as_pdf(document: Document, *, one_page: bool = False) -> bytes:
    """The document as a PDF file: pages numbered "x of y", title and language in its properties.

    `one_page`: set smaller, as far as it can still be read, where it would not fit one page; nothing is left
    out. Raises `FontMissing` when the installation lacks the font.
    """
    for scale in _SCALES if one_page else _SCALES[:1]:
        page = _set(document, scale)
        if page.page_no() == 1:
            break
    return bytes(page.output())


def _set(document: Document, scale: float) -> _Page:
    page = _Page(document, scale)
    page.add_page()
    page.head()
    for section in document.sections:
        page.section(section)
    return page


@functools.cache
def _font(name: str) -> Path:
    """The file of a DejaVu font. matplotlib is looked for and not imported: that would take a second."""
    found = importlib.util.find_spec("matplotlib")
    folders = (found.submodule_search_locations or []) if found else []
    for folder in folders:
        path = Path(folder) / "mpl-data" / "fonts" / "ttf" / name
        if path.is_file():
            return path
    raise FontMissing(f"{name} is not installed; it comes with matplotlib: run `make setup`")


class _Page(FPDF):
    """The pages of one document."""

    def __init__(self, document: Document, scale: float) -> None:
        self._scale = scale
        super().__init__(format=document.paper, unit="mm")
        # fpdf's log would name the characters of patients' words
        logging.getLogger("fpdf").setLevel(logging.ERROR)
        self._document = document
        self.add_font("DejaVu", "", _font("DejaVuSans.ttf"))
        self.add_font("DejaVu", "B", _font("DejaVuSans-Bold.ttf"))
        self.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(True, margin=_FOOT + 6)
        self.alias_nb_pages(_TOTAL)
        self._glyphs = _can_draw(self.fonts["dejavu"]) & _can_draw(self.fonts["dejavuB"])
        self.set_title(self._drawn(one_line(document.title)))
        self.set_lang(document.language)
        self.set_creator("Afterglow")
        self.set_creation_date(document.made_at)

    def head(self) -> None:
        """Title and subtitle, at the top of the first page."""
        self._write(one_line(self._document.title), _TITLE, bold=True)
        if self._document.subtitle:
            self._write(self._document.subtitle, _BODY, grey=_GREY)

    def section(self, section: Section) -> None:
        """A heading, kept together with its first lines, and what stands under it."""
        if self.will_page_break(24):
            self.add_page()
        self.ln(_GAP * 1.6 * self._scale)
        self._write(one_line(section.heading), _HEADING, bold=True)
        self.set_draw_color(_RULE)
        self.line(self.l_margin, self.y + 0.4, self.w - self.r_margin, self.y + 0.4)
        self.ln(1.6)
        for line in section.lines:
            if isinstance(line, Row):
                self._row(line)
            elif line:
                self._write(line, _BODY)
            else:
                self.ln(_GAP)

    def footer(self) -> None:
        """Title, whose paper it is, and the page number at the foot of every page."""
        document = self._document
        page = _PAGE.get(document.language, _PAGE["en"]).format(page=self.page_no(), pages=_TOTAL)
        parts = [self._drawn(one_line(part)) for part in (document.title, document.foot)]
        self.set_xy(_MARGIN, -_FOOT)  # the margin itself may be a row's, which goes on overleaf
        self._write(" · ".join(part for part in (*parts, page) if part), _SMALL, grey=_GREY, ready=True)

    def _row(self, row: Row) -> None:
        """The label in bold and its value after it; further lines are indented."""
        size, left = _BODY * self._scale, self.l_margin
        height = size * _LEADING / self.k
        self.set_text_color(_INK)
        self.set_left_margin(left + 4)
        self.set_x(left)
        self.set_font("DejaVu", "B", size)
        self.write(height, f"{self._drawn(one_line(row.label))}: ")
        self.set_font("DejaVu", "", size)
        self.write(height, self._drawn(row.value).strip())
        self.set_left_margin(left)
        self.ln(height)

    def _write(
        self, text: str, size: float, *, bold: bool = False, grey: int = _INK, ready: bool = False
    ) -> None:
        size *= 1 if ready else self._scale  # the foot stays as it is
        self.set_font("DejaVu", "B" if bold else "", size)
        self.set_text_color(grey)
        self.multi_cell(
            0,
            size * _LEADING / self.k,
            text if ready else self._drawn(text),
            align="L",
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
        )

    def _drawn(self, text: str) -> str:
        """`text` in characters that the font can draw."""
        return "".join(map(self._sign, printable(text))).replace(_TOTAL, "{ pages }")

    def _sign(self, sign: str) -> str:
        if sign in _SILENT:
            return ""
        if sign == "\n" or (ord(sign) in self._glyphs and unicodedata.category(sign) != "Co"):
            return sign
        name = unicodedata.name(sign, "")
        return f"[{name.lower()}]" if name else f"[U+{ord(sign):04X}]"


def _can_draw(font: CoreFont | TTFFont) -> frozenset[int]:
    """The code points that `font` has a glyph for."""
    return frozenset(font.cmap) if isinstance(font, TTFFont) else frozenset()
