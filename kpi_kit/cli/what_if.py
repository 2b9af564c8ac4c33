"""``what-if``: print what another target of a person would mean."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kpi_kit.cli import OK
from kpi_kit.cli.output import print_json, say
from kpi_kit.cli.shared import chosen_period
from kpi_kit.core.errors import InputError, KitError
from kpi_kit.core.phrases import Phrase, in_language
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
    for line in answer_lines(answer, words(options.language, loaded.department.currency)):
        say(line)
    return OK


def _mapping(text: str, option: str) -> dict[str, Any]:
    """The value of an option that is a YAML mapping."""
    try:
        value = parse_yaml(text, option)
    except KitError as fault:
        raise InputError(fault.problems) from None
    if not isinstance(value, dict):
        raise InputError(Phrase("cli.not_a_mapping", option=option, text=text))
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
    asked = re.sub(r"\.0\b", "", json.dumps(answer.asked, ensure_ascii=False))
    yield Phrase(
        "cli.what_if_head",
        specialist=answer.specialist,
        period=say.period(answer.period),
        entry=answer.entry,
        asked=asked,
    )
    columns = ("period", "fact", "target", "attainment", "payout")
    heads = [in_language(Phrase(f"cli.what_if_{name}"), say.language) for name in columns]
    yield f"{heads[0]:>10}  {heads[1]:>12}  {heads[2]:>14}  {heads[3]:>10}  {heads[4]:>6}"
    for past in answer.past:
        cells = (_value(past.value, how, say), _target(past, how, say), _share(past.attainment, say))
        payout = "–" if past.payout is None else say.number(past.payout, 2, keep=True)
        yield f"{past.period:>10}  {cells[0]:>12}  {cells[1]:>14}  {cells[2]:>10}  {payout:>6}"
    yield Phrase("cli.what_if_reached", reached=answer.reached, known=answer.known)
    yield _chance_line(answer, how, say)
    before, after = (_share(total.total, say) for total in (answer.present, answer.then))
    yield Phrase("cli.what_if_total", period=answer.period, after=after, before=before)


def _chance_line(answer: Answer, how: Form, say: Words) -> str:
    if answer.chance_period is None:
        return Phrase("cli.no_chance")
    if answer.chance is None:
        return Phrase("cli.chance_short", period=answer.chance_period)
    if answer.reliable is False:
        why = Phrase("cli.chance_no_better")
        return Phrase("cli.chance_unreliable", period=answer.chance_period, why=why)
    checked = Phrase("cli.chance_checked")
    check = checked if answer.reliable else Phrase("cli.chance_unchecked")
    band = answer.chance_band
    within = (
        ""
        if band is None
        else Phrase("cli.chance_band", low=_value(band[0], how, say), high=_value(band[1], how, say))
    )
    return Phrase(
        "cli.chance_line",
        period=answer.chance_period,
        chance=say.share(answer.chance, 0),
        within=within,
        check=check,
    )


def _target(past: Past, how: Form, say: Words) -> str:
    if isinstance(past.target, tuple):
        low, high = (say.value(bound, how) for bound in past.target)
        return in_language(Phrase("cli.what_if_range", low=low, high=high), say.language)
    return _value(past.target, how, say)


def _value(value: float | None, how: Form, say: Words) -> str:
    return "–" if value is None else say.value(value, how)


def _share(value: float | None, say: Words) -> str:
    return "–" if value is None else say.share(value)
