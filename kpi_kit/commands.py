"""The commands ``verify`` and ``what-if``, and what all commands share."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_kit.errors import InputError, KitError
from kpi_kit.horizon import last_full_month
from kpi_kit.opening import open_inputs
from kpi_kit.periods import Period
from kpi_kit.remote import shown, source
from kpi_kit.store import Store
from kpi_kit.untrusted import json_on_terminal, on_terminal
from kpi_kit.wording import Form, Words, form, words
from kpi_kit.yaml_files import parse_yaml

if TYPE_CHECKING:
    from kpi_kit.what_if import Answer, Past

# What only one command needs it imports itself: a run in which all is up to date takes a second.

IDENTICAL, DIFFERENT = 0, 1


def warn(warnings: Iterable[str]) -> None:
    """Say what is allowed but probably not meant."""
    for warning in warnings:
        print(on_terminal(f"warning: {warning}"), file=sys.stderr)


def chosen_period(asked: argparse.Namespace, store: Store) -> Period:
    """The period asked for, or the last full month that the data cover."""
    until = store.covered_until
    if asked.period:
        period = Period.parse(asked.period)
        if until is not None and period.start >= until:
            last = until - dt.timedelta(days=1)
            warn([f"period {period}: the data in {shown(str(asked.data))} end on {last}, before it begins"])
        return period
    return last_full_month(store)


def verify_and_what_if(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    common: argparse.ArgumentParser,
    when: argparse.ArgumentParser,
) -> None:
    """Declare both commands."""
    check = commands.add_parser(
        "verify", parents=[common], help="compute reports anew, and tell what is different and why"
    )
    check.add_argument("reports", nargs="+", type=Path, metavar="REPORT.json")
    check.set_defaults(command=_verify)

    ask = commands.add_parser(
        "what-if", parents=[common, when], help="say what another target of a person would mean"
    )
    ask.add_argument("--specialist", required=True)
    ask.add_argument("--kpi", required=True)
    ask.add_argument("--target", required=True, help='as in params: "at_least: 60"')
    ask.add_argument("--as", dest="as_", choices=("value", "change", "growth"), help="which entry of the KPI")
    ask.add_argument("--versus", choices=("previous", "year_ago"), help="likewise")
    ask.add_argument("--scope", help='likewise, as in params: "platforms: [telegram]"')
    ask.add_argument("--json", action="store_true", help="write the answer as JSON, and nothing else")
    ask.set_defaults(command=_what_if)


def _verify(asked: argparse.Namespace) -> int:
    """Verify each report; what is wrong with one does not keep the others from being verified."""
    from kpi_kit.report import NOTEBOOK
    from kpi_kit.verify import sentences, verify

    notebook = NOTEBOOK if NOTEBOOK.is_file() else None
    data, different = source(asked.data), False
    problems: list[str] = []
    for path in asked.reports:
        try:
            found = verify(path, data=data, params=asked.params, notebook=notebook)
        except KitError as fault:
            problems += fault.problems
            continue
        different |= not found.identical
        for line in sentences(found):
            print(on_terminal(line))
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    return DIFFERENT if different else IDENTICAL


def _what_if(asked: argparse.Namespace) -> int:
    from kpi_kit import what_if

    target = _mapping(asked.target, "--target")
    scope = None if asked.scope is None else _scope(_mapping(asked.scope, "--scope"))
    data = source(asked.data)
    loaded, store = open_inputs(data, asked.params, check=False)
    with store:
        period = str(chosen_period(asked, store))
    answer = what_if.what_if(
        asked.specialist,
        period,
        asked.kpi,
        target,
        data=data,
        params=asked.params,
        beside=asked.out / period,
        as_of=asked.as_of,
        as_=asked.as_,
        versus=asked.versus,
        scope=scope,
    )
    if asked.json:
        text = json.dumps(answer.as_dict(), ensure_ascii=False, indent=1)
        sys.stdout.write(json_on_terminal(text) + "\n")
        return IDENTICAL
    for line in answer_lines(answer, words("en", loaded.department.currency)):
        print(on_terminal(line))
    return IDENTICAL


def _mapping(text: str, option: str) -> dict[str, Any]:
    """A mapping as it would stand in a file."""
    try:
        found = parse_yaml(text, option)
    except KitError as fault:
        raise InputError(fault.problems) from None
    if not isinstance(found, dict):
        raise InputError(f"{option}: keys with values are expected, found {text!r}")
    return found


def _scope(given: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """A scope; one name stands for a list of one."""
    return {
        key: [str(each) for each in names] if isinstance(names, list) else [str(names)]
        for key, names in given.items()
    }


def answer_lines(answer: Answer, say: Words) -> Iterator[str]:
    """An answer for a terminal."""
    how = form({"unit": answer.unit, "as": answer.as_})
    asked = json.dumps(answer.asked, ensure_ascii=False)
    yield f"{answer.specialist}, {answer.period}: {answer.entry} with the target {asked}"
    yield f"{'period':>10}  {'fact':>12}  {'target':>14}  {'attainment':>10}  {'payout':>6}"
    for past in answer.past:
        cells = (_value(past.value, how, say), _target(past, how, say), _share(past.attainment, say))
        payout = "–" if past.payout is None else f"{past.payout:.2f}"
        yield f"{past.period:>10}  {cells[0]:>12}  {cells[1]:>14}  {cells[2]:>10}  {payout:>6}"
    yield f"attained in {answer.reached} of {answer.known} periods in which that can be said"
    yield _chance_line(answer, how, say)
    before, after = (_share(each.total, say) for each in (answer.present, answer.then))
    yield f"total of {answer.period}: {after}, as it is {before}"


def _chance_line(answer: Answer, how: Form, say: Words) -> str:
    if answer.chance_period is None:
        return "chance: nothing is asked of a period ahead"
    if answer.chance is None:
        return f"chance in {answer.chance_period}: the history is too short"
    if answer.reliable is False:
        why = "such chances came true no better than the base rate"
        return f"chance in {answer.chance_period}: not reliable, {why}"
    checked = "checked, such chances came true better than the base rate"
    check = checked if answer.reliable else "not checked: few forecasts, or no run has left a backtest.json"
    band = answer.chance_band
    within = (
        ""
        if band is None
        else f"; with 80 % it will be {_value(band[0], how, say)} to {_value(band[1], how, say)}"
    )
    return f"chance in {answer.chance_period}: {say.share(answer.chance, 0)}{within} ({check})"


def _target(past: Past, how: Form, say: Words) -> str:
    if isinstance(past.target, tuple):
        return " to ".join(say.value(bound, how) for bound in past.target)
    return _value(past.target, how, say)


def _value(value: float | None, how: Form, say: Words) -> str:
    return "–" if value is None else say.value(value, how)


def _share(value: float | None, say: Words) -> str:
    return "–" if value is None else say.share(value)
