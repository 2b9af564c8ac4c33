"""The command line: ``python -m kpi_kit run | score | check | verify | what-if | …``."""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table as TextTable
from rich.text import Text

from kpi_kit import across, batch, wording
from kpi_kit.commands import chosen_period, verify_and_what_if, warn
from kpi_kit.errors import InputError, KitError, SpecialistError
from kpi_kit.kpis import CATALOGUE
from kpi_kit.mail.journal import ANSWERS
from kpi_kit.opening import open_inputs
from kpi_kit.params import Entry, Params, load
from kpi_kit.periods import parse_instant
from kpi_kit.remote import copy_of, is_url, shown, source
from kpi_kit.tables import PLATFORMS, TABLES
from kpi_kit.untrusted import json_on_terminal, on_terminal

if TYPE_CHECKING:
    from kpi_kit.case import Case

# What only one command needs it imports itself: a run in which all is up to date takes a second.

OK, SOME_FAILED, BAD_INPUT, STOPPED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0 all well, 1 some reports failed, 2 bad input."""
    given = sys.argv[1:] if arguments is None else arguments
    asked = _parser(*given[:1]).parse_args(given)
    command: Callable[[argparse.Namespace], int] = asked.command
    try:
        if is_url(asked.out) and command is not _run:
            raise InputError(f"--out {shown(asked.out)}: only run writes to a URL; a folder is allowed")
        return command(asked)
    except SpecialistError as fault:
        _say_problems(fault, asked.data)
        return SOME_FAILED
    except KitError as fault:
        _say_problems(fault, asked.data)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # whoever read the output has seen enough; nothing is left to flush into
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _say_problems(fault: KitError, data: Path | str) -> None:
    for problem in fault.problems:
        told = problem.replace(str(copy_of(data)), shown(data)) if isinstance(data, str) else problem
        print(on_terminal(told), file=sys.stderr)


def _place(text: str) -> Path | str:
    """A folder, or a URL as it is."""
    return text if is_url(text) else Path(text)


def _parser(wanted: str = "") -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kpi_kit", description="KPI reports for social-media specialists."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--data", type=_place, default=Path("data/sample"), help="data folder, database or URL (data/sample)"
    )
    common.add_argument("--params", type=Path, default=Path("params"), help="folder of params (params)")
    common.add_argument(
        "--out", type=_place, default=Path("reports"), help="folder of reports; for run also a URL (reports)"
    )
    when = argparse.ArgumentParser(add_help=False)
    when.add_argument(
        "--period", help="2025-10, 2025-Q4, 2025-W41 or 2025; default: the last full month with data"
    )
    when.add_argument("--as-of", help="data cut-off; default: the end of the period and the settling days")

    run = commands.add_parser("run", parents=[common, when], help="make every report of a period")
    run.add_argument("--specialist", action="append", help="only this one (may be given again)")
    run.add_argument("--jobs", type=int, help="how many notebooks at once; default: one a core")
    run.add_argument("--engine", choices=("auto", "quarto", "embedded"), default="auto")
    run.add_argument("--force", action="store_true", help="make reports again that are up to date")
    run.add_argument("--executor", choices=("local", "dask"), default="local", help="where notebooks run")
    run.add_argument(
        "--scheduler", metavar="ADDRESS", help="dask: the scheduler's, such as tcp://10.0.0.1:8786"
    )
    run.add_argument("--quiet", action="store_true", help="say nothing but problems")
    run.set_defaults(command=_run)

    score = commands.add_parser("score", parents=[common, when], help="measure one person, without a report")
    score.add_argument("--specialist", required=True)
    score.add_argument("--json", action="store_true", help="write the scorecard as JSON, and nothing else")
    score.set_defaults(command=_score)

    check = commands.add_parser(
        "check", parents=[common, when], help="check params and data, without rendering"
    )
    check.set_defaults(command=_check)

    catalogue = commands.add_parser("catalogue", parents=[common], help="list every KPI")
    catalogue.add_argument("--language", choices=wording.LANGUAGES, default="en")
    catalogue.set_defaults(command=_catalogue)

    take = commands.add_parser("import", parents=[common], help="add an export to a data folder")
    if wanted == "import":
        _add_import(take)
    _add_mail(commands, common)
    verify_and_what_if(commands, common, when)
    return parser


def _add_import(take: argparse.ArgumentParser) -> None:
    from kpi_kit.intake import AUTO
    from kpi_kit.sources import SOURCES

    take.add_argument(
        "source", choices=(AUTO, *SOURCES), metavar="SOURCE", help=f"{AUTO}, or one of {', '.join(SOURCES)}"
    )
    take.add_argument("files", nargs="+", type=Path, metavar="FILE")
    take.add_argument(
        "--into", type=Path, required=True, metavar="DIR", help="the data folder; made where there is none"
    )
    take.add_argument(
        "--account", help="whose data it is; without it attribution.yml tells, where a file can say"
    )
    take.add_argument("--brand", help="whose mentions or search queries they are; default: the account")
    take.add_argument("--title", help="title of a new account")
    take.add_argument("--platform", choices=PLATFORMS, help="platform of a new account")
    take.add_argument("--since", type=_day, help="first day that the export covers")
    take.add_argument("--until", type=_day, help="the day after the last one that it covers")
    take.add_argument("--table", choices=tuple(TABLES), help="csv: the table that the file fills")
    take.add_argument("--map", type=Path, dest="mapping", help="csv: YAML file that names the columns")
    take.add_argument("--fetched-at", help="when the figures of posts were fetched")
    take.add_argument(
        "--subscribers",
        type=int,
        help="members at the end of the last day, where an export has only joined and left",
    )
    take.add_argument("--currency", help="of sums whose file does not say: RUB")
    take.add_argument(
        "--partial", action="store_true", help="rows may add up to less than the file's own row of totals"
    )
    take.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    take.add_argument(
        "--yes", action="store_true", help="guessed: the columns that --dry-run shows are right"
    )
    take.add_argument("--chat", help="telegram-desktop: name or id of the chat")
    take.add_argument("--segment", help="ga4: the segment or comparison to read, where a report has several")
    take.set_defaults(command=_import)


def _add_mail(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    mail = commands.add_parser("mail", parents=[common], help="write the directors' messages, and send them")
    mail.add_argument("--period", help="as for run; default: the last full month with data")
    mail.add_argument("--send", action="store_true", help="send, by the server in KPI_SMTP_URL")
    mail.add_argument(
        "--resend",
        action="store_true",
        help="correct messages whose content has changed since they were sent",
    )
    mail.add_argument(
        "--resolve", choices=ANSWERS, help="uncertain messages: they have arrived, or are to be sent again"
    )
    mail.add_argument("--preliminary", action="store_true", help="mail figures that are not final, too")
    mail.add_argument("--to", action="append", metavar="ID", help="only this recipient (may be given again)")
    mail.add_argument(
        "--timeout", type=float, default=60.0, metavar="SECONDS", help="how long the server may take (60)"
    )
    mail.add_argument("--debug", action="store_true", help="show the conversation with the server")
    mail.set_defaults(command=_mail)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a date such as 2025-10-31 is allowed, found {text!r}") from None


def _run(asked: argparse.Namespace) -> int:
    loaded, store = open_inputs(
        source(asked.data), asked.params, check=False
    )  # the run looks at the rows itself
    with store:
        if asked.as_of:
            parse_instant(asked.as_of, loaded.department.zone, "--as-of")
        warn([*loaded.warnings, *store.warnings])
        period = chosen_period(asked, store)
    outcome = batch.run(
        period,
        data=asked.data,
        params=asked.params,
        out=asked.out,
        specialists=asked.specialist,
        jobs=asked.jobs,
        engine=asked.engine,
        as_of=asked.as_of,
        force=asked.force,
        scheduler=_scheduler(asked),
        console=Console(stderr=True, quiet=asked.quiet),
    )
    if asked.quiet:  # otherwise the run has said each when it failed
        for name, problem in outcome.failed.items():
            print(on_terminal(f"{name}: {problem}"), file=sys.stderr)
    return SOME_FAILED if outcome.failed else OK


def _scheduler(asked: argparse.Namespace) -> str | None:
    """The scheduler of the cluster that is asked for; None for this machine."""
    if (asked.executor == "dask") != bool(asked.scheduler):
        raise InputError(
            "--executor dask and --scheduler ADDRESS: allowed are both or none, found one of them"
        )
    return str(asked.scheduler) if asked.scheduler else None


def _score(asked: argparse.Namespace) -> int:
    from kpi_kit.case import prepare
    from kpi_kit.display import terminal
    from kpi_kit.scorecard import card, dumps

    loaded, store = open_inputs(source(asked.data), asked.params)
    with store:
        period = chosen_period(asked, store)
        case = prepare(asked.specialist, period, params=loaded, store=store, as_of=asked.as_of)
        record = card(case, across.read(asked.out / str(period)))
    if asked.json:
        sys.stdout.write(json_on_terminal(dumps(record)))
    else:
        Console().print(terminal.scorecard(record))
        print("", *terminal.computation(record), sep="\n")
    return OK


def _check(asked: argparse.Namespace) -> int:
    from kpi_kit.case import prepare
    from kpi_kit.sources.rows import counted

    loaded = load(asked.params)
    warn(loaded.warnings)
    broken = [problem for problems in loaded.broken.values() for problem in problems]
    try:
        loaded, store = open_inputs(source(asked.data), asked.params, whole=True)
    except InputError as fault:
        raise InputError([*fault.problems, *broken]) from None
    with store:
        warn([*store.warnings, *_idle(loaded)])
        period = chosen_period(asked, store)
        print(f"period {period}, {period.start} to {period.last_day}")
        known = across.read(asked.out / str(period))
        for person in loaded.specialists:
            try:
                case = prepare(person, period, params=loaded, store=store, as_of=asked.as_of)
            except SpecialistError as fault:
                broken += fault.problems
                continue
            for line in (*_payouts(case), *_audited(case, known)):
                print(on_terminal(line))
    for problem in broken:
        print(on_terminal(problem), file=sys.stderr)
    people = counted(len(loaded.specialists) + len(loaded.broken), "specialist")
    faults = counted(len(broken), "problem")
    print(on_terminal(f"{people}, {faults} in their files; no problems in {asked.data}"))
    return SOME_FAILED if broken else OK


def _idle(loaded: Params) -> Iterator[str]:
    """Specialists for whom nothing can be measured."""
    for person in loaded.specialists.values():
        if not person.accounts and not person.brands:
            yield f"{loaded.file_of(person.id)}: there are no accounts and no brands, so nothing is measured"


def _payouts(case: Case) -> Iterator[str]:
    """For each target the facts at which payout starts, is full, and is capped."""
    from kpi_kit.scorecard import target_of

    scoring = case.department.scoring.curve()
    words = wording.words("en", case.department.currency)
    for entry in case.person.kpis:
        target, notes = target_of(case, entry)
        name = f"{case.person.id}: {entry.called}"
        if target is None:
            yield f"{name}: no target in {case.period}"
            continue
        part = "".join(
            f" (for {words.share(note.detail['share'], 0)} of the period: {note.detail['why']})"
            for note in notes
            if note.code == "target_prorated"
        )
        if target.attainment(0.0) is None:  # away all the time, or the period has not begun
            yield f"{name}: nothing is asked{part}"
            continue
        form = wording.form({"unit": str(entry.unit), "as": entry.as_})
        starts, full, capped = (
            " or ".join(words.value(fact, form) for fact in target.facts_at(share) if _possible(entry, fact))
            for share in (scoring.threshold, 1.0, scoring.cap)
        )
        tail = f", is capped at {capped}" if capped else ", and does not rise above that"
        yield f"{name}: payout starts at {starts}, is full at {full}{tail}{part}"


def _audited(case: Case, known: across.Across) -> Iterator[str]:
    """What the SMART audit finds, with a proposal where another target would pass."""
    from kpi_kit import smart
    from kpi_kit.facts import Facts
    from kpi_kit.verdicts import verdicts
    from kpi_kit.wording import audit

    words = wording.words("en", case.department.currency)
    for entry in case.person.kpis:
        facts = Facts(case, entry)
        _, findings = smart.audit(facts, verdicts(facts), reliable=known.is_reliable(entry.kpi))
        shown = {"unit": str(entry.unit), "as": entry.as_}
        for finding in findings:
            letter = words.text(f"smart.{finding['letter']}")
            sentences = " ".join(audit.entry_sentences(finding, shown, words))
            yield f"{case.person.id}: {entry.called}: not {letter}: {sentences}"
    for finding in smart.audit_set(case.person):
        yield f"{case.person.id}: {audit.set_sentence(finding, words)}"


def _possible(entry: Entry, fact: float) -> bool:
    """Whether a fact can be: some shares cannot be over 1."""
    return not (entry.definition.bounded and entry.as_ == "value" and fact > 1.0)


def _catalogue(asked: argparse.Namespace) -> int:
    words = wording.words(asked.language)
    table = TextTable(show_lines=True)
    table.add_column("id", no_wrap=True)
    table.add_column("what it means, and its formula", ratio=1)
    table.add_column("kind", max_width=10)
    for kpi in CATALOGUE.values():
        name, what, formula = (words.text(f"kpi.{kpi.id}.{key}") for key in ("name", "what", "formula"))
        kind = f"{kpi.family}\n{kpi.unit}\n{kpi.better}"
        others = "; ".join(words.text(f"definition.{other.id}") for other in kpi.alternatives)
        usual = f"\n{words.text('robustness.others')}: {others}" if others else ""
        table.add_row(*map(Text, (kpi.id, f"{name}. {what}.\n= {formula}{usual}", kind)))
    Console().print(table)
    return OK


def _zone(params: Path) -> ZoneInfo:
    """The department's time zone; Moscow's where there are no params yet."""
    return (
        load(params).department.zone if (params / "department.yml").is_file() else ZoneInfo("Europe/Moscow")
    )


def _import(asked: argparse.Namespace) -> int:
    from kpi_kit.intake import take_in
    from kpi_kit.owners import NewAccount
    from kpi_kit.sources import ImportOptions
    from kpi_kit.sources.attribution import read_attribution

    zone = _zone(asked.params)
    options = ImportOptions(
        account=asked.account,
        timezone=zone,
        since=asked.since,
        until=asked.until,
        table=asked.table,
        mapping=asked.mapping,
        stats_at=parse_instant(asked.fetched_at, zone, "--fetched-at") if asked.fetched_at else None,
        subscribers_at_end=asked.subscribers,
        chat=asked.chat,
        brand=asked.brand,
        currency=asked.currency,
        segment=asked.segment,
        attribution=read_attribution(asked.params / "attribution.yml"),
        partial=asked.partial,
        mappings=asked.params / "mappings",
        confirmed=asked.yes,
    )
    for sentence in take_in(
        asked.source,
        asked.files,
        asked.into,
        options,
        NewAccount(asked.title, asked.platform),
        imported_at=dt.datetime.now(dt.UTC).replace(microsecond=0),
        dry_run=asked.dry_run,
    ):
        print(on_terminal(sentence))
    return OK


def _mail(asked: argparse.Namespace) -> int:
    from kpi_kit.mail.origins import FromStore
    from kpi_kit.mail.outbox import Wish, post
    from kpi_kit.mail.server import from_environment

    if asked.debug:
        shown_log = logging.StreamHandler()
        shown_log.setFormatter(_Plain("%(name)s: %(message)s"))
        logging.basicConfig(level=logging.INFO, handlers=[shown_log])
        logging.getLogger("kpi_kit.mail").setLevel(logging.DEBUG)
    if asked.timeout <= 0:
        raise InputError(f"--timeout {asked.timeout:g}: allowed is more than 0")
    server = from_environment(os.environ) if asked.send else None
    loaded, store = open_inputs(source(asked.data), asked.params)
    with store:
        warn([*loaded.warnings, *store.warnings])
        period = str(chosen_period(asked, store))
        wish = Wish(
            period,
            asked.out,
            server,
            resend=asked.resend,
            resolve=asked.resolve,
            preliminary=asked.preliminary,
            only=tuple(asked.to or ()),
            timeout=asked.timeout,
        )
        well = post(
            wish,
            loaded,
            FromStore(asked.out / period, loaded, store),
            clock=lambda: dt.datetime.now(loaded.department.zone),
            say=lambda line: _tell(line, sys.stdout),
            warn=lambda line: _tell(line, sys.stderr),
        )
    return OK if well else SOME_FAILED


class _Plain(logging.Formatter):
    """What is logged of a conversation with a server is no more obeyed than other lines."""

    def format(self, record: logging.LogRecord) -> str:
        return on_terminal(super().format(record))


def _tell(line: str, stream: TextIO) -> None:
    """Print a line at once; where nobody reads any more, go on: the messages matter, not the telling."""
    try:
        print(on_terminal(line), file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
