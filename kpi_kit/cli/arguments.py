"""The arguments of the command line."""

from __future__ import annotations

import argparse
import datetime as dt
from importlib import metadata
from pathlib import Path

from kpi_kit.cli.remote import is_url
from kpi_kit.core.periods import RELATIVE
from kpi_kit.core.phrases import LANGUAGES
from kpi_kit.core.schema import PLATFORMS, TABLES
from kpi_kit.mail.journal import ANSWERS


def parser(wanted: str = "") -> argparse.ArgumentParser:
    """The parser of all commands; its ``command`` names the module of the chosen one.

    Parameters
    ----------
    wanted : str
        The command whose options are needed: those of ``import`` need the importers.
    """
    whole = argparse.ArgumentParser(
        prog="python -m kpi_kit", description="KPI reports for social-media specialists."
    )
    whole.add_argument("--version", action="version", version=f"kpi-kit {metadata.version('kpi-kit')}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--data", type=_place, default=Path("data/sample"), help="data folder, database or URL (data/sample)"
    )
    common.add_argument("--language", choices=LANGUAGES, help="of what is printed; default: the department's")
    common.add_argument("--log", type=Path, metavar="FILE", help="also append what is printed to a file")
    common.add_argument("--params", type=Path, default=Path("params"), help="folder of params (params)")
    common.add_argument(
        "--out", type=_place, default=Path("reports"), help="folder of reports; for run also a URL (reports)"
    )
    when = argparse.ArgumentParser(add_help=False)
    when.add_argument(
        "--period",
        help=f"2025-10, 2025-Q4, 2025-W41, 2025 or {', '.join(RELATIVE)}; "
        "default: the last full month with data",
    )
    when.add_argument("--as-of", help="data cut-off; default: the end of the period and the settling days")

    run = commands.add_parser("run", parents=[common, when], help="make every report of a period")
    run.add_argument("--specialist", action="append", help="only this one (may be given again)")
    run.add_argument("--jobs", type=int, help="how many notebooks at once; default: one a core")
    run.add_argument("--engine", choices=("auto", "quarto", "embedded"), default="auto")
    run.add_argument(
        "--notebook", type=Path, help="the specialists' notebook, in place of specialist_report.ipynb"
    )
    run.add_argument("--force", action="store_true", help="make reports again that are up to date")
    run.add_argument("--pdf", action="store_true", help="also make every page as PDF; needs Chromium")
    run.add_argument("--executor", choices=("local", "dask"), default="local", help="where notebooks run")
    run.add_argument(
        "--scheduler", metavar="ADDRESS", help="dask: the scheduler's, such as tcp://10.0.0.1:8786"
    )
    run.add_argument("--quiet", action="store_true", help="say nothing but problems")
    run.set_defaults(command="run")

    score = commands.add_parser("score", parents=[common, when], help="measure one person, without a report")
    score.add_argument("--specialist", required=True)
    score.add_argument("--json", action="store_true", help="write the scorecard as JSON, and nothing else")
    score.set_defaults(command="score")

    check = commands.add_parser(
        "check", parents=[common, when], help="check params and data, without rendering"
    )
    check.add_argument(
        "--status", action="store_true", help="show which data are there, by account, table and month"
    )
    check.set_defaults(command="check")

    catalogue = commands.add_parser("catalogue", parents=[common], help="list every KPI")
    catalogue.set_defaults(command="catalogue")

    shell = commands.add_parser("completion", help="print the completion of commands for a shell")
    shell.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    shell.set_defaults(command="completion", data="", out="", params=Path(), language=None)
    take = commands.add_parser("import", parents=[common], help="add an export to a data folder")
    if wanted == "import":
        _add_import(take)
    listed = commands.add_parser("imports", parents=[common], help="list imports, or take one back")
    listed.add_argument("action", nargs="?", choices=("list", "undo"), default="list")
    listed.add_argument("id", nargs="?", metavar="ID", help="undo: the import, as the list names it")
    listed.set_defaults(command="imports")
    _add_init(commands, common)
    newer = commands.add_parser("upgrade", parents=[common], help="bring an older data folder up to date")
    newer.add_argument("folder", type=Path, metavar="DIR")
    newer.set_defaults(command="upgrade")
    _add_mail(commands, common)
    _add_alerts(commands, common)
    _add_verify_and_what_if(commands, common, when)
    return whole


def _place(text: str) -> Path | str:
    """A folder or a URL."""
    return text if is_url(text) else Path(text)


def _add_init(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    begin = commands.add_parser(
        "init", help="make data and params from a pile of exports, with a proposed set of KPIs"
    )
    begin.add_argument("folder", type=Path, metavar="DIR", help="gets the folders data and params")
    begin.add_argument(
        "--from",
        dest="exports",
        nargs="+",
        type=Path,
        required=True,
        metavar="EXPORTS",
        help="files or folders",
    )
    begin.add_argument("--defaults", action="store_true", help="ask nothing, take the default answers")
    begin.add_argument("--overwrite", action="store_true", help="replace params that are there")
    begin.add_argument("--language", choices=LANGUAGES, help="of the department; default: your own")
    begin.set_defaults(command="init", data="", out="", params=Path())
    held = commands.add_parser("accounts", parents=[common], help="list, add, rename or close accounts")
    held.add_argument("action", nargs="?", choices=("list", "add", "rename", "close"), default="list")
    held.add_argument("id", nargs="?", metavar="ID")
    held.add_argument("--title", help="add, rename: the title")
    held.add_argument("--to", metavar="NEW", help="rename: the new id, in all data and params")
    held.add_argument("--platform", choices=PLATFORMS, help="add: the platform")
    held.add_argument("--person", metavar="ID", help="add: the specialist who looks after it")
    held.add_argument("--on", type=_day, help="close: the first day without it")
    held.set_defaults(command="accounts")
    goals = commands.add_parser("targets", parents=[common], help="propose the targets of the next period")
    goals.add_argument("action", choices=("next",))
    goals.add_argument("--period", help="the period to propose for; default: the one after the data")
    goals.add_argument("--specialist", action="append", help="only this one (may be given again)")
    goals.add_argument("--yes", action="store_true", help="accept all proposals")
    goals.add_argument("--dry-run", action="store_true", help="show the proposals, and write nothing")
    goals.set_defaults(command="targets")


def _add_import(take: argparse.ArgumentParser) -> None:
    from kpi_kit.sources import SOURCES
    from kpi_kit.sources.pipeline import AUTO

    take.add_argument(
        "source",
        nargs="?",
        choices=(AUTO, *SOURCES),
        metavar="SOURCE",
        help=f"{AUTO}, or one of {', '.join(SOURCES)}",
    )
    take.add_argument("files", nargs="*", type=Path, metavar="FILE")
    take.add_argument(
        "--inbox", type=Path, metavar="DIR", help="import what is new in a folder of exports; moves nothing"
    )
    take.add_argument(
        "--again", action="store_true", help="--inbox: also import files whose import was undone"
    )
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
    take.add_argument("--fetched-at", help="when the export was made: of several the latest counts")
    take.add_argument(
        "--source",
        dest="lead_source",
        metavar="NAME",
        help="the CRM of leads; default: its portal, or the account",
    )
    take.add_argument(
        "--replace",
        action="store_true",
        help="withdraw what earlier exports of the same kind and account say of these days",
    )
    take.add_argument(
        "--subscribers",
        type=int,
        help="members at the end of the last day, where an export has only joined and left",
    )
    take.add_argument("--currency", help="of sums whose file does not say: RUB")
    take.add_argument(
        "--partial", action="store_true", help="rows may add up to less than the file's own row of totals"
    )
    take.add_argument(
        "--strict", action="store_true", help="refuse rows that lack a needed cell; else they are left out"
    )
    take.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    take.add_argument(
        "--yes", action="store_true", help="guessed: the columns that --dry-run shows are right"
    )
    take.add_argument("--chat", help="telegram-desktop: name or id of the chat")
    take.add_argument("--segment", help="ga4: the segment or comparison to read, where a report has several")
    take.set_defaults(command="import_files")


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
    mail.set_defaults(command="mail")


def _add_alerts(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    risks = commands.add_parser(
        "alerts", parents=[common], help="what is at risk in the running period: a page and digests"
    )
    risks.add_argument("--as-of", default="today", help="data cut-off: a date, or today (the default)")
    risks.add_argument("--period", help="as for run; default: the month of the cut-off")
    risks.add_argument("--send", action="store_true", help="send what is new, by mail and Telegram")
    risks.add_argument(
        "--resolve", choices=ANSWERS, help="uncertain digests: they have arrived, or are to be sent again"
    )
    risks.add_argument("--to", action="append", metavar="ID", help="only this recipient (may be given again)")
    risks.add_argument("--test", action="store_true", help="show the Telegram chats of params, send nothing")
    risks.add_argument(
        "--timeout", type=float, default=60.0, metavar="SECONDS", help="how long a server may take (60)"
    )
    risks.set_defaults(command="alerts")


def _add_verify_and_what_if(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    common: argparse.ArgumentParser,
    when: argparse.ArgumentParser,
) -> None:
    check = commands.add_parser(
        "verify", parents=[common], help="compute reports anew, and tell what is different and why"
    )
    check.add_argument("reports", nargs="+", type=Path, metavar="REPORT.json")
    check.add_argument(
        "--notebook", type=Path, help="the notebook of the reports, where it is not the usual one"
    )
    check.set_defaults(command="verify")

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
    ask.set_defaults(command="what_if")


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a date such as 2025-10-31, found {text!r}") from None
