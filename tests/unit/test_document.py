"""A paper for the chart: as text that nobody's words can disfigure, and as a PDF that reads the same."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from bot.records import pdf
from bot.records.document import Document, Row, Section, as_text, one_line, paper_for, printable
from bot.records.pdf import FontMissing, as_pdf

MADE = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def paper(*lines: str | Row, **more: object) -> Document:
    """A document of one section."""
    return Document("Summary", "Made today.", (Section("Words", lines),), MADE, **more)


def read(document: Document) -> PdfReader:
    """The document's PDF, read back."""
    return PdfReader(io.BytesIO(as_pdf(document)))


def words(document: Document) -> str:
    """Everything that the PDF says, on one line."""
    return " ".join(" ".join(page.extract_text() for page in read(document).pages).split())


def test_text_has_title_headings_rows_and_gaps() -> None:
    document = Document(
        "Chart note",
        "Clinic\nMade today.",
        (Section("Lots", (Row("Lot", "A1"), "", Row("Lot", "B2"))), Section("Más datos", ("Nothing.",))),
        MADE,
    )
    assert as_text(document) == (
        "Chart note\nClinic\nMade today.\n\nLOTS\nLot: A1\n\nLot: B2\n\nMÁS DATOS\nNothing.\n"
    )


def test_nothing_that_a_patient_wrote_can_pass_for_a_heading() -> None:
    text = as_text(paper(Row("Wrote", "fine\n\nCONSENTS\r\nall given\u2028yes\x0bno")))
    assert [line for line in text.splitlines() if not line.startswith(" ")] == [
        "Summary",
        "Made today.",
        "",
        "WORDS",
        "Wrote: fine",
    ]


def test_control_characters_and_turned_writing_are_left_out() -> None:
    assert printable("a\x00b\x1b[31mc\u202ed\u2066e\tf\r\ng") == "ab[31mcde f\ng"
    assert one_line(" a\n b\u2029c ") == "a b c"
    assert printable("Jose\u0301") == "José"


@pytest.mark.parametrize(
    ("country", "size"), [("US", "Letter"), ("us", "Letter"), ("CA", "Letter"), ("GB", "A4"), ("ES", "A4")]
)
def test_the_paper_is_the_countrys(country: str, size: str) -> None:
    assert paper_for(country) == size


@pytest.mark.parametrize(("size", "points"), [("A4", [595.28, 841.89]), ("Letter", [612, 792])])
def test_a_pdf_has_its_size_title_language_and_date(size: str, points: list[float]) -> None:
    reader = read(paper("Hello", paper=size, language="es"))
    assert [float(side) for side in reader.pages[0].mediabox[2:]] == pytest.approx(points, abs=0.1)
    assert reader.metadata
    assert reader.metadata.title == "Summary"
    assert reader.metadata.creation_date == MADE
    assert reader.trailer["/Root"]["/Lang"] == "es"


def test_patients_words_keep_their_accents_and_can_be_selected() -> None:
    said = "Me duele aquí: ¿qué hago? Ñoño, çà et là, Łódź, Ελλάδα, привет, “quoted” – £5 €6"
    assert said in words(paper(Row("Wrote", said)))


def test_what_the_font_lacks_is_named_and_never_dropped() -> None:
    said = words(paper("ok 👍🏽 漢 \ue000 end", Row("🦋", "x\ufe0f")))
    assert "ok [thumbs up sign] [cjk unified ideograph-6f22] [U+E000] end [butterfly]: x" in said


def test_pages_are_numbered_in_the_papers_language() -> None:
    lines = [Row(f"Line {n}", "words that go on " * 12) for n in range(80)]
    for language, words_for in (("en", "Page {} of {}"), ("es", "Página {} de {}")):
        pages = read(paper(*lines, language=language)).pages
        assert len(pages) > 2
        for number, page in enumerate(pages, start=1):
            assert words_for.format(number, len(pages)) in page.extract_text()
    said = words(paper(*lines))
    assert all(f"Line {n}:" in said for n in range(80))


def test_every_page_says_whose_it_is() -> None:
    lines = [Row(f"Line {n}", "words that go on " * 12) for n in range(40)]
    pages = read(paper(*lines, foot="Ana\nEjemplo")).pages
    assert len(pages) > 1
    assert all("Summary · Ana Ejemplo · Page " in page.extract_text() for page in pages)


def test_the_sign_for_the_number_of_pages_is_only_ours() -> None:
    assert "I typed { pages } and {nb}" in words(paper("I typed {pages} and {nb}"))


def test_the_same_document_gives_the_same_bytes() -> None:
    assert as_pdf(paper("Hello")) == as_pdf(paper("Hello"))


@given(st.text(max_size=300))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_words_make_a_pdf_fail(said: str) -> None:
    assert read(paper(said, Row(said, said))).pages


@pytest.mark.parametrize("said", ["x" * 3000, "👍" * 400, "", " ", "\n\n\n", "מה שלומך ABC مرحبا"])
def test_neither_do_long_empty_or_right_to_left_words(said: str) -> None:
    assert read(paper(said, Row("Wrote", said), Row(said, ""))).pages


def test_a_missing_font_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pdf._font.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(FontMissing, match="make setup"):
        as_pdf(paper("Hello"))
    pdf._font.cache_clear()
