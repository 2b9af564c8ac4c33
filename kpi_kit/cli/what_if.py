"""``what-if``: print what another target of a person would mean."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kpi_kit.cli import OK
from kpi_kit.cli.output import print_json
from kpi_kit.cli.shared import chosen_period
from kpi_kit.core.errors import InputError, KitError
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.core.yaml_io import parse_yaml
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.report.wording import Form, Words, form, words
from kpi_kit.scorecard import what_if
from kpi_kit.scorecard.what_if import Answer, Past


def carry_out(options: argparse.Namespace) -> int:
    """Print the answer as a table or as JSON."""
    target = _mapping(options.target, "--target")
    scope = None if options.scope is None else _scope(_mapping(options.scope, "--scope"))
    data = options.data
    loaded, store = open_inputs(data, options.params, check=False)
    with store:
        period = str(chosen_period(options, store))
    answer = what_if.what_if(
        options.specialist,
        period,
        options.kpi,
        target,
        data=data,
        params=options.params,
        beside=options.out / period,
        as_of=options.as_of,
        as_=options.as_,
        versus=options.versus,
        scope=scope,
    )
    if options.json:
        text = json.dumps(answer.as_dict(), ensure_ascii=False, indent=1)
        print_json(text + "\n")
        return OK
    for line in answer_lines(answer, words("en", loaded.department.currency)):
        print(on_terminal(line))
    return OK


def _mapping(text: str, option: str) -> dict[str, Any]:
    """The value of an option that is a YAML mapping."""
    try:
        value = parse_yaml(text, option)
    except KitError as fault:
        raise InputError(fault.problems) from None
    if not isinstance(value, dict):
        raise InputError(f"{option}: keys with values are expected, found {text!r}")
    return value


def _scope(value: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """A scope; a single name becomes a list."""
    return {
        key: [str(name) for name in names] if isinstance(names, list) else [str(names)]
        for key, names in value.items()
    }


def answer_lines(answer: Answer, say: Words) -> Iterator[str]:
    """The lines of an answer."""
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
    before, after = (_share(total.total, say) for total in (answer.present, answer.then))
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
