"""``alerts``: what is at risk in the running period, as a page and as digests."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys

from kpi_kit.cli import OK, SOME_FAILED, failures
from kpi_kit.cli.output import say
from kpi_kit.cli.shared import warn
from kpi_kit.core.errors import InputError, SpecialistError
from kpi_kit.core.periods import Grain, Period, midnight, parse_instant
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.data.store import Store
from kpi_kit.mail import server as smtp
from kpi_kit.mail import telegram
from kpi_kit.mail.alerts import AlertOptions, post_alerts, selected, write_page
from kpi_kit.mail.recipients import TELEGRAM, Recipient, digest_recipients
from kpi_kit.mail.setbacks import Setback
from kpi_kit.params import Params
from kpi_kit.scorecard.build import scorecard
from kpi_kit.scorecard.cohort import Cohort, forecasts_of, pooled
from kpi_kit.scorecard.context import Context, prepare
from kpi_kit.scorecard.record import Scorecard

TODAY = "today"
_STALE_DAYS = 2
"""Data that end earlier than this before the cut-off are told to be old."""


def carry_out(options: argparse.Namespace) -> int:
    """Write the page and the digests, and send them; 1 where one was not sent or a person was left out."""
    if options.timeout <= 0:
        raise InputError(Phrase("cli.bad_timeout", timeout=options.timeout))
    loaded, store = open_inputs(options.data, options.params)
    with store:
        if options.test:
            return _test(options, loaded)
        warn([*loaded.warnings, *store.warnings])
        moment = _cut_off(options, loaded, store)
        wanted = _options(options, loaded, moment)
        cards, broken = interim_cards(loaded, store, Period.parse(wanted.period), moment)
    for person, why in broken.items():
        say(f"{person}: {why}", sys.stderr)
    names = {person: known.name for person, known in loaded.specialists.items()}
    report = write_page(
        wanted, loaded, list(cards.values()), {names.get(who, who): why for who, why in broken.items()}
    )
    for alert in report.alerts:
        say(f"{report.about(alert)}: {report.sentence(alert)}", sys.stdout)
    say(report.summary(report.alerts), sys.stdout)
    well = post_alerts(
        wanted,
        loaded,
        cards,
        clock=lambda: options.clock().astimezone(loaded.department.zone),
        say=lambda line: say(line, sys.stdout),
        warn=lambda line: say(line, sys.stderr),
    )
    if well and not broken:
        return OK
    if options.send:
        failures.tell(options, people=tuple(broken), problems=0 if well else 1)
    return SOME_FAILED


def interim_cards(
    params: Params, store: Store, period: Period, as_of: dt.datetime
) -> tuple[dict[str, Scorecard], dict[str, str]]:
    """The interim scorecards of everyone, with one back-test of their chances; and why people are missing."""
    broken = {person: "; ".join(problems) for person, problems in params.broken.items()}
    contexts: dict[str, Context] = {}
    for person in params.specialists:
        try:
            contexts[person] = prepare(person, period, params=params, store=store, as_of=as_of)
        except SpecialistError as fault:
            broken[person] = "; ".join(fault.problems)
    cohort = Cohort(pooled(forecasts_of(context) for context in contexts.values()))
    return {person: scorecard(context, cohort) for person, context in contexts.items()}, broken


def _cut_off(options: argparse.Namespace, params: Params, store: Store) -> dt.datetime:
    """The midnight before today, or the instant that is given; not after the end of the data."""
    zone = params.department.zone
    if options.as_of == TODAY:
        asked = midnight(options.clock().astimezone(zone).date(), zone)
    else:
        asked = parse_instant(options.as_of, zone, "--as-of")
    if store.covered_until is None:
        return asked
    last = midnight(store.covered_until, zone)
    if (asked - last).days > _STALE_DAYS:
        end = store.covered_until - dt.timedelta(days=1)
        warn([Phrase("cli.alerts_old_data", data=options.data_name, end=end)])
    return min(asked, last)


def _options(options: argparse.Namespace, params: Params, moment: dt.datetime) -> AlertOptions:
    day = moment.astimezone(params.department.zone).date()
    period = Period.parse(options.period) if options.period else Period.containing(day, Grain.MONTH)
    if not period.start <= day < period.end:
        raise InputError(Phrase("cli.alerts_period", period=period, day=day))
    people = selected(params, tuple(options.to or ()))
    server, bot = None, None
    if options.send:
        if not people:
            raise InputError(Phrase("cli.alerts_nobody", file=params.folder / "department.yml"))
        if any(not one.key.startswith(TELEGRAM) for one in people):
            server = smtp.from_environment(os.environ)
        if any(one.key.startswith(TELEGRAM) for one in people):
            bot = _bot(params)
    return AlertOptions(
        str(period),
        options.out,
        server,
        bot,
        send=options.send,
        resolve=options.resolve,
        only=tuple(options.to or ()),
        timeout=options.timeout,
    )


def _bot(params: Params) -> telegram.TelegramServer:
    bot = telegram.from_environment(os.environ)
    if bot is None:
        raise InputError(Phrase("cli.alerts_token", variable=telegram.TOKEN, folder=params.folder))
    return bot


def _test(options: argparse.Namespace, params: Params) -> int:
    """Print the titles of the chats that params name; 1 where one is not private or not there."""
    chats: list[Recipient] = [one for one in digest_recipients(params) if one.key.startswith(TELEGRAM)]
    if not chats:
        raise InputError(Phrase("cli.alerts_no_chats", folder=params.folder))
    well = True
    with telegram.Telegram(_bot(params), options.timeout) as talk:
        try:
            say(f"bot: {talk.bot()}", sys.stdout)
            for one in chats:
                try:
                    say(f"{one.key} {one.address}: {talk.chat(one.address)}", sys.stdout)
                except Setback as fault:
                    say(f"{one.key} {one.address}: {fault}", sys.stderr)
                    well = False
        except Setback as fault:
            raise InputError(Phrase("core.within", where="Telegram", problem=fault)) from None
    return OK if well else SOME_FAILED
