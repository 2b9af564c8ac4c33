"""Values, periods, targets and notes in words: the one place that multiplies, rounds or adds a unit.

All words stand in ``locale/<language>.yml``. What this module returns is plain text; whoever puts
it into HTML escapes it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from babel.dates import format_date, format_time, get_day_names

from kpi_kit.core.periods import Grain, Period
from kpi_kit.core.phrases import LANGUAGES
from kpi_kit.report.wording.numbers import Form, Numbers, form, messages
from kpi_kit.scorecard.entry_record import EntryRecord, NoteRecord, required

__all__ = ["LANGUAGES", "Form", "Words", "form", "messages", "words"]

_ROMAN = ("I", "II", "III", "IV")


@cache
def words(language: str, currency: str = "RUB") -> Words:
    """The words of a language, for reports in a currency."""
    return Words(language, currency)


class Words(Numbers):
    r"""One language's words: not only numbers, but also periods, scorecard entries and notes.

    Examples
    --------
    >>> ru = Words("ru", "RUB")
    >>> ru.count(21, "posts"), ru.count(5, "posts")
    ('21\xa0пост', '5\xa0постов')
    >>> ru.period("2025-Q4"), ru.during("2025-W41")
    ('IV квартал 2025', 'за 41-ю неделю 2025 (6–12 октября)')
    """

    # ---------------------------------------------------------------- time

    def period(self, text: str) -> str:
        """A period by name: ``октябрь 2025``."""
        return self._period("period", text)

    def during(self, text: str) -> str:
        """A period as a time at which something was: ``за октябрь 2025``."""
        return self._period("period.during", text)

    def of(self, text: str) -> str:
        """A period as that of something: ``ноября 2025``."""
        return self._period("period.of", text)

    def inside(self, text: str) -> str:
        """A period as the time of a comparison: ``в октябре``."""
        return self._period("period.in", text)

    def versus(self, text: str) -> str:
        """A period as what is compared with: ``к октябрю``."""
        return self._period("period.to", text)

    def alone(self, text: str) -> str:
        """A period without its year, as the heading of a column: ``Октябрь``."""
        return self.sentence(self._period("period.alone", text))

    def month(self, text: str) -> str:
        """The month of a date as part of a date: ``октября``."""
        return format_date(dt.date.fromisoformat(text[:10]), "MMMM", self._locale)

    def short(self, text: str) -> str:
        """A period as a tick of an axis; the year stands where it begins."""
        period = Period.parse(text)
        match period.grain:
            case Grain.WEEK:
                return self.text("period.week_mark", week=period.start.isocalendar().week)
            case Grain.MONTH:
                return format_date(period.start, "LLL yy", self._locale).replace(".", "")
            case Grain.QUARTER:
                quarter, year = period.start.month // 3 + 1, period.start.year % 100
                return self.text("period.quarter_mark", roman=_ROMAN[quarter - 1], quarter=quarter, year=year)
            case Grain.YEAR:
                return str(period.start.year)

    def day(self, text: str) -> str:
        """A date: ``8 ноября 2025``."""
        return format_date(dt.date.fromisoformat(text[:10]), "d MMMM y", self._locale)

    def brief_day(self, text: str) -> str:
        """A date in a table: ``8 нояб. 2025``."""
        return format_date(dt.date.fromisoformat(text[:10]), "d MMM y", self._locale)

    def days(self, first: str, last: str) -> str:
        """A day, or the days from one to another: ``11–13 октября``."""
        begun, ended = (dt.date.fromisoformat(text[:10]) for text in (first, last))
        return format_date(begun, "d MMMM", self._locale) if begun == ended else self._range(begun, ended)

    def span(self, since: str, until: str) -> str:
        """The days from ``since`` to before ``until``."""
        return self.days(since, (dt.date.fromisoformat(until) - dt.timedelta(days=1)).isoformat())

    def last_day(self, text: str) -> str:
        """The last day before an exclusive end."""
        return self.day((dt.date.fromisoformat(text[:10]) - dt.timedelta(days=1)).isoformat())

    def moment(self, text: str) -> str:
        """An instant: its day, and its time where it is not midnight."""
        moment = dt.datetime.fromisoformat(text)
        if moment.time() == dt.time():
            return self.day(text)
        return f"{self.day(text)}, {format_time(moment.time(), 'H:mm', locale=self._locale)}"

    def data_until(self, text: str) -> str:
        """The last day that is whole at an instant; the instant itself where that is not midnight."""
        moment = dt.datetime.fromisoformat(text)
        return self.last_day(text) if moment.time() == dt.time() else self.moment(text)

    @staticmethod
    def last_whole_day(text: str) -> dt.date:
        """The last day that is over at an instant."""
        return dt.date.fromisoformat(text[:10]) - dt.timedelta(days=1)

    def weekdays(self) -> list[str]:
        """The days of a week from Monday, as heads of a calendar."""
        short = get_day_names("short", "stand-alone", self._locale)
        return [self.sentence(short[day]) for day in range(7)]

    def _period(self, key: str, text: str) -> str:
        period = Period.parse(text)
        start = period.start
        iso = start.isocalendar()
        quarter = (start.month + 2) // 3
        fields = {
            "month": format_date(start, "LLLL", self._locale),
            "month_of": format_date(start, "MMMM", self._locale),
            "month_in": self.text("months_in").split(", ")[start.month - 1],
            "month_to": self.text("months_to").split(", ")[start.month - 1],
            "quarter": quarter,
            "roman": _ROMAN[quarter - 1],
            "o": "о" if quarter == 2 else "",  # во втором, ко второму
            "week": iso.week,
            "year": iso.year if period.grain is Grain.WEEK else start.year,
            "range": self._range(start, period.last_day),
        }
        return self.text(f"{key}.{period.grain}", **fields)

    def _range(self, first: dt.date, last: dt.date) -> str:
        same = first.month == last.month
        begin = format_date(first, "d" if same else "d MMMM", self._locale)
        key = "period.range.one_month" if same else "period.range.two_months"
        return self.text(key, first=begin, last=format_date(last, "d MMMM", self._locale))

    # ---------------------------------------------------------------- scorecard entries

    def entry(self, record: EntryRecord, grain: str, titles: Mapping[str, str]) -> str:
        """The name of a scorecard entry: its KPI, what of it is meant, and its scope."""
        name = self.name_of(record)
        if record["as"] != "value":
            versus = record["versus"]
            against = self.text("versus.year_ago" if versus == "year_ago" else f"versus.previous.{grain}")
            of = self.kpi_of(record)
            name = self.text(f"entry.{record['as']}.{versus}", kpi=of, versus=against)
        # which mentions count is part of the name, or two entries of a scorecard would read alike
        notes = [note for note in record.get("notes", ()) if note["code"] == "sentiment_filter"]
        counted = [sentiment for note in notes for sentiment in note["sentiments"]]
        scope = self._scope({**(record["scope"] or {}), "sentiment": counted}, titles)
        if not scope:
            return name
        if name.endswith(")"):  # one pair of brackets is enough
            return f"{name[:-1]}, {scope})"
        return self.text("entry.scoped", entry=name, scope=scope)

    def short_entry(self, record: Mapping[str, Any]) -> str:
        """The name of a scorecard entry in a word or two, without scope and comparison."""
        if record["as"] == "value":
            return self.kpi_short(record)
        key = f"entry.{record['as']}.{record['versus']}"
        return self.text(key, kpi=self.kpi_of(record), versus="").strip()

    def name_of(self, record: Mapping[str, Any]) -> str:
        """The name of an entry's KPI; that of a KPI by formula is the agency's text."""
        formula = record.get("formula")
        return self.text(f"kpi.{record['kpi']}.name") if formula is None else formula["title"][self.language]

    def kpi_short(self, record: Mapping[str, Any]) -> str:
        """The name of an entry's KPI in a word or two: its ``short``, or else its ``name``."""
        if record.get("formula") is not None:
            return self.name_of(record)
        forms = self.lookup(f"kpi.{record['kpi']}")
        return str(forms.get("short", forms["name"]))

    def kpi_of(self, record: Mapping[str, Any]) -> str:
        """The name of an entry's KPI as that of which something grows: its ``of``, or else its ``name``."""
        if record.get("formula") is not None:
            return self.text("formula.of", name=self.quote(self.name_of(record)))
        forms = self.lookup(f"kpi.{record['kpi']}")
        return str(forms.get("of", self.inner(forms["name"])))

    def meaning(self, record: Mapping[str, Any]) -> tuple[str, str]:
        """What an entry's KPI says, and its formula."""
        formula = record.get("formula")
        if formula is None:
            what, how = (self.text(f"kpi.{record['kpi']}.{key}") for key in ("what", "formula"))
            return what, how
        parts = [self.part_name(formula[key]) for key in ("numerator", "denominator")]
        fields = {"numerator": parts[0], "denominator": self.inner(parts[1])}
        key = "formula.text" if formula["per"] == 1 else "formula.text_per"
        return self.text("formula.what"), self.text(key, **fields, per=self.number(formula["per"], 6))

    def part_name(self, name: str) -> str:
        """The name of a KPI or of spend as a part of a formula."""
        return self.text("formula.spend" if name == "spend" else f"kpi.{name}.name")

    def target(self, record: EntryRecord, *, spelled: bool = False) -> str:
        """The target of an entry, short (``≥ 1 000``) or spelled out."""
        target, how = required(record["target"]), form(record)
        key = f"target_in_words.{target['kind']}" if spelled else f"target.{target['kind']}"
        if isinstance(target["value"], Sequence):
            low, high = self.least(target["value"][0], how), self.most(target["value"][1], how)
            begin, end = self.value(low, how) if spelled else self.bare(low, how), self.value(high, how)
            return self.text(key, low=begin, high=end) if spelled else self.range(begin, end)
        bound = (self.most if target["kind"] == "at_most" else self.least)(target["value"], how)
        return self.text(key, value=self.beside(bound, record["value"], how))

    def range(self, low: str, high: str) -> str:
        """Two written bounds as a range; a dash between bounds with signs would read as a minus.

        Examples
        --------
        >>> words("ru").range("5", "10"), words("ru").range("+5", "+10")
        ('5–10', 'от +5 до +10')
        """
        signed = any(bound.startswith(("+", "-", "\N{MINUS SIGN}")) for bound in (low, high))
        return self.text("target_in_words.between" if signed else "target.between", low=low, high=high)

    def fact(self, record: EntryRecord) -> str:
        """The value of an entry, fine enough to tell it from its target."""
        value, target = required(record["value"]), record["target"] and record["target"]["value"]
        bounds = target if isinstance(target, Sequence) else [target]
        nearest = min(bounds, key=lambda bound: abs((bound or 0.0) - value))
        return self.beside(value, nearest, form(record))

    def _scope(self, scope: Mapping[str, Sequence[str]], titles: Mapping[str, str]) -> str:
        named: dict[str, Callable[[str], str]] = {
            "platforms": lambda name: self.text(f"platform.{name}"),
            "accounts": lambda name: titles.get(name, name),
            "brands": lambda name: self.text("entry.brand", name=self.quote(titles.get(name, name))),
            "sentiment": lambda name: self.text(f"sentiment.{name}"),
        }
        return ", ".join(named[key](name) for key, names in scope.items() for name in names)

    # ---------------------------------------------------------------- notes

    def note(self, note: NoteRecord, titles: Mapping[str, str]) -> str:
        """A note as a sentence; ``titles`` names accounts and people by id."""
        return self._noted("note", note, titles)

    def mend(self, note: NoteRecord, titles: Mapping[str, str]) -> str:
        """Who can mend what made a KPI not assessable, and how."""
        return self._noted("mend", note, titles)

    def is_reason(self, note: NoteRecord) -> bool:
        """Whether a note says why a KPI is not assessable."""
        return note["code"] in self.lookup("mend")

    def _noted(self, section: str, note: NoteRecord, titles: Mapping[str, str]) -> str:
        key = f"{section}.{note['code']}"
        forms = self.lookup(key)
        variant = "" if isinstance(forms, str) else self._variant(forms, note, key)
        return str(forms[variant] if variant else forms).format(**self._fields(note, titles))

    def _variant(self, forms: Mapping[str, str], note: NoteRecord, key: str) -> str:
        """Which form of a note fits: by its reason, by a field that it has, or by its count."""
        wanted = [note.get("reason"), note.get("why")]
        wanted += [f"if_{name}" for name, value in note.items() if value is not None]
        wanted += [self._locale.plural_form(note["count"])] if "count" in note else []
        wanted += ["otherwise", "many"]
        for name in wanted:
            if name in forms:
                return str(name)
        raise KeyError(f"locale/{self.language}.yml: {key} has no form for {dict(note)}")

    def _fields(self, note: NoteRecord, titles: Mapping[str, str]) -> dict[str, str]:
        def named(name: str) -> str:
            return titles.get(name, name)

        def quoted(name: str) -> str:
            return self.quote(named(name))

        writers: dict[str, Callable[[Any], str]] = {
            "count": self.number,
            "total": self.number,
            "answered": self.number,
            "coverage": lambda share: self.attainment(share, note.get("minimum", 1.0)),
            "minimum": self.share,
            "share": lambda share: self.share(share, 0),
            "tables": lambda names: ", ".join(self.text(f"table.{name}") for name in names),
            "table": lambda name: self.quote(self.text(f"table.{name}")),
            "accounts": lambda names: ", ".join(map(quoted, names)),
            "owners": lambda names: ", ".join(map(quoted, names)),
            "labels": ", ".join,
            "amount": self.money,
            "days": lambda days: ", ".join(map(self.brief_day, days)),
            "missing": lambda entries: "; ".join(self._missing(entry, quoted) for entry in entries),
            "sentiments": lambda names: ", ".join(self.text(f"sentiment.{name}") for name in names),
            "account_id": quoted,
            "brand": quoted,
            "kpi": self.part_name,
            "phrase": self.quote,
            "deputy": named,
            "for": named,
            "period": self.period,
            "since": self.day,
            "until": self.last_day,
            "as_of": self.data_until,
            "settled_on": self.day,
        }
        fields = {
            name: "—" if value is None else writers.get(name, str)(value) for name, value in note.items()
        }
        if "missing" in note:
            fields["where"] = "; ".join(self._unknown(entry, quoted) for entry in note["missing"])
        if "period" in note:
            fields["during"] = self.during(note["period"])
        return fields

    def _missing(self, entry: Mapping[str, Any], quoted: Callable[[str], str]) -> str:
        """What data are missing, whose and of which days."""
        return self._during(self.text(f"missing.{entry['table']}", whose=self._whose(entry, quoted)), entry)

    def _unknown(self, entry: Mapping[str, Any], quoted: Callable[[str], str]) -> str:
        """In which rows values are unknown: the table, whose rows, of which days."""
        table = self.text(f"table.{entry['table']}")
        return self._during(
            self.text("missing.unknown", table=table, whose=self._whose(entry, quoted)), entry
        )

    def _during(self, what: str, entry: Mapping[str, Any]) -> str:
        days = ", ".join(self.span(since, until) for since, until in entry["days"])
        return self.text("missing.during", what=what, days=days) if days else what

    def _whose(self, entry: Mapping[str, Any], quoted: Callable[[str], str]) -> str:
        """The account with its platform, or the brand."""
        if "brand" in entry:
            return quoted(entry["brand"])
        name, platform = quoted(entry["account_id"]), entry.get("platform")
        if not platform or self.text(f"platform.{platform}") in name:  # a title that several accounts share
            return name
        return f"{name} {self.text(f'on_platform.{platform}')}"
