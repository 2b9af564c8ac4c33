"""A tiny agency to measure, written as CSV lines: everything is covered unless a test says otherwise.

::

    measured = measure(tmp_path, "leads", leads=["l1,a,2025-10-01T12:00"])

Account ``a`` is on VK, ``b`` on Telegram, ``c`` on Dzen; the brands are ``X`` and ``Y``. Ann has account
``a`` and brand ``X``. The period is 2025-10, seen from 2025-11-08, when its posts are settled.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kpi_kit.core.model import Measurement
from kpi_kit.core.periods import Period
from kpi_kit.core.schema import TABLES
from kpi_kit.data.store import open_store
from kpi_kit.params import load as load_params
from kpi_kit.scorecard.build import score
from kpi_kit.scorecard.context import Context, prepare
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.record import Scorecard
from tests.builders import write_csv, write_params

Lines = Sequence[str]
Json = dict[str, Any]

ACCOUNTS = ["account_id,platform,title", "a,vk,Кофе", "b,telegram,Кофе", "c,dzen,Кофе"]
SCOPES = ("a", "b", "c", "X", "Y")
AS_OF = "2025-11-08"
FIRST, LAST = "2023-01-01", "2026-01-01"

HEADERS = {
    "audience": "date,account_id,subscribers,joined,left",
    "posts": (
        "post_id,account_id,published_at,views,likes,comments,reposts,on_brand,stats_at,deleted_at,reach"
    ),
    "post_stats": "account_id,post_id,stats_at,views,likes,comments,reposts",
    "post_increments": "account_id,post_id,since,until,views,likes,comments,reposts",
    "messages": "account_id,dialog_id,message_id,kind,at,by_brand,author,reply_to,automatic,closing",
    "totals": "account_id,measure,since,until,value",
    "spend": "date,account_id,amount,currency",
    "comments": "comment_id,post_id,account_id,created_at,by_brand,text,meaningful",
    "inquiries": "inquiry_id,account_id,kind,received_at,answered_at",
    "leads": "lead_id,account_id,created_at,qualified,sold_at,sale_amount,currency,refunded_at",
    "traffic": "date,account_id,visits",
    "brand_queries": "since,until,brand,phrase,queries",
    "mentions": "mention_id,brand,mentioned_at,platform,sentiment,by_brand",
    "plan": "plan_id,account_id,due_at,approved,post_id,approved_at,cancelled_at",
    "coverage": "table,scope,since,until",
}
"""The columns of the lines that tests give; a line may end early, what is missing is unknown."""
LATER = {"leads": "status,source", "plan": "on_brand"}
"""Further columns of tables some of whose lines are longer."""


def entry(kpi: str, **given: Any) -> Json:
    """An entry of a person's file; the target is 1 unless it matters."""
    return {"kpi": kpi, "target": {"at_least": 1}, "weight": 1, **given}


def formula(name: str, numerator: str, denominator: str, **given: Any) -> Json:
    """An entry of ``kpis.yml``; costs are money."""
    kind = (
        {"unit": "money", "better": "lower"}
        if numerator == "spend"
        else {"unit": "number", "better": "higher"}
    )
    title = {"ru": f"Показатель {name}", "en": f"KPI {name}"}
    parts = {"numerator": numerator, "denominator": denominator}
    return {"id": name, "title": title, **parts, "family": "sales", **kind, **given}


COST_PER_LEAD = formula("cost_per_lead", "spend", "leads")
LEADS_PER_VIEWS = formula("leads_per_views", "leads", "views", per=1000)


def cover(*tables: str, scopes: Iterable[str] = SCOPES, since: str = FIRST, until: str = LAST) -> list[str]:
    """Coverage lines of some tables."""
    brands = {"brand_queries", "mentions"}
    return [
        f"{table},{scope},{since},{until}"
        for table in tables
        for scope in scopes
        if (table in brands) == (scope in ("X", "Y"))
    ]


def build(
    folder: Path,
    kpis: Sequence[Json],
    *,
    person: Mapping[str, Any] | None = None,
    department: Mapping[str, Any] | None = None,
    colleagues: Mapping[str, Mapping[str, Any]] | None = None,
    accounts: Lines | None = None,
    coverage: Lines | None = None,
    formulas: Sequence[Json] = (),
    **tables: Lines,
) -> tuple[Path, Path]:
    """Write data and params; the lines of each table come without their header.

    ``formulas`` become ``kpis.yml``. ``coverage`` is by default that of every table which is given; ``()``
    writes a table without rows.
    """
    told = {name: [_header(name, lines), *_padded(name, lines)] for name, lines in tables.items()}
    told["accounts"] = list(accounts or ACCOUNTS)
    given = cover(*(name for name in tables if TABLES[name].scope)) if coverage is None else coverage
    told["coverage"] = [HEADERS["coverage"], *given]
    data = write_csv(folder / "data", **{name: "\n".join(lines) + "\n" for name, lines in told.items()})
    ann = {"accounts": ["a"], "brands": ["X"], "kpis": list(kpis), **(person or {})}
    house = {"history": {"periods": 2, "weeks": 0}, **(department or {})}
    params = write_params(folder / "params", house, {"ann": ann, **(colleagues or {})})
    if formulas:
        (params / "kpis.yml").write_text(json.dumps(list(formulas), ensure_ascii=False), encoding="utf-8")
    return data, params


def _header(name: str, lines: Lines) -> str:
    width = max((line.count(",") for line in lines), default=0)
    return f"{HEADERS[name]},{LATER[name]}" if width > HEADERS[name].count(",") else HEADERS[name]


def _padded(name: str, lines: Lines) -> Iterator[str]:
    width = _header(name, lines).count(",")
    return (line + "," * (width - line.count(",")) for line in lines)


@contextmanager
def case_of(
    data: Path, params: Path, *, who: str = "ann", period: str = "2025-10", as_of: str | None = AS_OF
) -> Iterator[Context]:
    """A case of a written agency, its store open."""
    loaded = load_params(params)
    assert not loaded.broken, loaded.broken
    with open_store(data, loaded.department.timezone) as store:
        yield prepare(who, Period.parse(period), params=loaded, store=store, as_of=as_of)


def measure(
    folder: Path,
    kpi: str,
    *,
    period: str = "2025-10",
    as_of: str | None = AS_OF,
    who: str = "ann",
    more: Mapping[str, Any] | None = None,
    **agency: Any,
) -> Measurement:
    """The measurement of one KPI in a tiny agency; ``more`` goes into its entry."""
    data, params = build(folder, [entry(kpi, **(more or {}))], **agency)
    with case_of(data, params, who=who, period=period, as_of=as_of) as case:
        chosen = next(item for item in case.person.kpis if item.kpi == kpi)
        return Facts(case, chosen).measurement


def scored(
    folder: Path,
    *kpis: Json,
    period: str = "2025-10",
    as_of: str | None = AS_OF,
    who: str = "ann",
    **agency: Any,
) -> Scorecard:
    """The scorecard of Ann, or of a colleague, in a tiny agency."""
    data, params = build(folder, kpis, **agency)
    return score(who, period, data=data, params=params, as_of=as_of)


def codes(notes: Iterable[Any]) -> list[str]:
    """The codes of notes, of a measurement or of the JSON."""
    return [note["code"] if isinstance(note, dict) else note.code for note in notes]


def detail(notes: Iterable[Any], code: str) -> Json:
    """The figures of the only note of this code."""
    (found,) = (note for note in notes if (note["code"] if isinstance(note, dict) else note.code) == code)
    if isinstance(found, dict):
        return {key: value for key, value in found.items() if key != "code"}
    return dict(found.detail)


def days(first: int, last: int, month: str = "2025-10") -> list[str]:
    """The dates of some days of a month, both ends included."""
    return [f"{month}-{day:02d}" for day in range(first, last + 1)]
