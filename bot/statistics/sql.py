"""What both databases can count, each in its own words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, case
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class seconds_between(FunctionElement[float]):
    """Seconds from the first moment to the second."""

    type = Float()
    inherit_cache = True
    name = "seconds_between"


@compiles(seconds_between)
def _on_postgres(element: seconds_between, compiler: SQLCompiler, **kw: Any) -> str:
    first, second = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST(EXTRACT(EPOCH FROM ({second} - {first})) AS DOUBLE PRECISION)"


@compiles(seconds_between, "sqlite")
def _on_sqlite(element: seconds_between, compiler: SQLCompiler, **kw: Any) -> str:
    first, second = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"((julianday({second}) - julianday({first})) * 86400.0)"


def week_of(moment: Any, weeks: Sequence[tuple[date, datetime]]) -> ColumnElement[int]:
    """The number of the week, from 0, in which `moment` lies. Databases do not agree on local weeks."""
    ends = [start for _day, start in weeks[1:]]
    if not ends:
        return case((moment.is_not(None), 0), else_=0)
    return case(*((moment < end, number) for number, end in enumerate(ends)), else_=len(ends))
