"""A column by which a statement is narrowed, but from which it does not begin."""

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class Following(FunctionElement[Any]):
    """That column, out of the sight of SQLite's indexes: a task or a line may have every unit of the country, and
    SQLite, which does not know how much there is of what, would begin there. PostgreSQL sees the column itself, since
    of a sum it would expect a handful of rows."""

    inherit_cache = True

    def __init__(self, column: Any) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(Following)
def _as_sum(element: Following, compiler: Any, **how: Any) -> str:
    return f"({compiler.process(element.clauses, **how)} + 0)"


@compiles(Following, "postgresql")
def _as_it_is(element: Following, compiler: Any, **how: Any) -> str:
    return str(compiler.process(element.clauses, **how))
