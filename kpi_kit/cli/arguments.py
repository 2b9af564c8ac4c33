"""The arguments of the command line."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from kpi_kit.cli.help import Parser
from kpi_kit.cli.remote import is_url
from kpi_kit.core.phrases import LANGUAGES, Phrase, shown
from kpi_kit.core.schema import PLATFORMS, TABLES
from kpi_kit.mail.journal import ANSWERS


def parser(wanted: str = "") -> argparse.ArgumentParser:
    """The parser of all commands; its ``command`` names the module of the chosen one.

    Parameters
    ----------
    wanted : str
        The command whose options are needed: those of ``import`` need the importers.
    """
    whole: argparse.ArgumentParser = Parser(prog="python -m kpi_kit")
    whole.add_argument("--version", action=_Version, nargs=0)
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", type=_place, default=Path("data/sample"))
    common.add_argument("--language", choices=LANGUAGES)
    common.add_argument("--log", type=Path, metavar="FILE")
    common.add_argument("--params", type=Path, default=Path("params"))
    common.add_argument("--out", type=_place, default=Path("reports"))
    when = argparse.ArgumentParser(add_help=False)
    when.add_argument("--period")
    when.add_argument("--as-of")

    run = commands.add_parser("run", parents=[common, when], help="")
    run.add_argument("--specialist", action="append")
    run.add_argument("--jobs", type=int)
    run.add_argument("--engine", choices=("auto", "quarto", "embedded"), default="auto")
    run.add_argument("--notebook", type=Path)
    run.add_argument("--force", action="store_true")
    run.add_argument("--pdf", action="store_true")
    run.add_argument("--executor", choices=("local", "dask"), default="local")
    run.add_argument("--scheduler", metavar="ADDRESS")
    run.add_argument("--quiet", action="store_true")
    run.add_argument("--watch", action="store_true")
    run.set_defaults(command="run")

    score = commands.add_parser("score", parents=[common, when], help="")
    score.add_argument("--specialist", required=True)
    score.add_argument("--json", action="store_true")
    score.set_defaults(command="score")

    check = commands.add_parser("check", parents=[common, when], help="")
    check.add_argument("--status", action="store_true")
    check.set_defaults(command="check")

    catalogue = commands.add_parser("catalogue", parents=[common], help="")
    catalogue.set_defaults(command="catalogue")

    shell = commands.add_parser("completion", help="")
    shell.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    shell.set_defaults(command="completion", data="", out="", params=Path(), language=None)
    take = commands.add_parser("import", parents=[common], help="")
    if wanted == "import":
        _add_import(take)
    listed = commands.add_parser("imports", parents=[common], help="")
    listed.add_argument("action", nargs="?", choices=("list", "undo"), default="list")
    listed.add_argument("id", nargs="?", metavar="ID")
    listed.set_defaults(command="imports")
    _add_init(commands, common)
    newer = commands.add_parser("upgrade", parents=[common], help="")
    newer.add_argument("folder", type=Path, metavar="DIR")
    newer.set_defaults(command="upgrade")
    _add_mail(commands, common)
    _add_alerts(commands, common)
    _add_verify_and_what_if(commands, common, when)
    return whole


class _Version(argparse.Action):
    """Prints the version, which takes 20 ms to look up."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib import metadata

        print(f"kpi-kit {metadata.version('kpi-kit')}")
        parser.exit()


def _place(text: str) -> Path | str:
    """A folder or a URL."""
    return text if is_url(text) else Path(text)


def _add_init(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    begin = commands.add_parser("init", help="")
    begin.add_argument("folder", type=Path, metavar="DIR")
    begin.add_argument("--from", dest="exports", nargs="+", type=Path, required=True, metavar="EXPORTS")
    begin.add_argument("--defaults", action="store_true")
    begin.add_argument("--overwrite", action="store_true")
    begin.add_argument("--language", choices=LANGUAGES)
    begin.set_defaults(command="init", data="", out="", params=Path())
    held = commands.add_parser("accounts", parents=[common], help="")
    held.add_argument("action", nargs="?", choices=("list", "add", "rename", "close"), default="list")
    held.add_argument("id", nargs="?", metavar="ID")
    held.add_argument("--title")
    held.add_argument("--to", metavar="NEW")
    held.add_argument("--platform", choices=PLATFORMS)
    held.add_argument("--person", metavar="ID")
    held.add_argument("--on", type=_day)
    held.set_defaults(command="accounts")
    goals = commands.add_parser("targets", parents=[common], help="")
    goals.add_argument("action", choices=("next",))
    goals.add_argument("--period")
    goals.add_argument("--specialist", action="append")
    goals.add_argument("--yes", action="store_true")
    goals.add_argument("--dry-run", action="store_true")
    goals.set_defaults(command="targets")


def _add_import(take: argparse.ArgumentParser) -> None:
    from kpi_kit.sources import SOURCES
    from kpi_kit.sources.pipeline import AUTO

    take.add_argument("source", nargs="?", choices=(AUTO, *SOURCES), metavar="SOURCE")
    take.add_argument("files", nargs="*", type=Path, metavar="FILE")
    take.add_argument("--inbox", type=Path, metavar="DIR")
    take.add_argument("--again", action="store_true")
    take.add_argument("--into", type=Path, required=True, metavar="DIR")
    take.add_argument("--account")
    take.add_argument("--brand")
    take.add_argument("--title")
    take.add_argument("--platform", choices=PLATFORMS)
    take.add_argument("--since", type=_day)
    take.add_argument("--until", type=_day)
    take.add_argument("--table", choices=tuple(TABLES))
    take.add_argument("--map", type=Path, dest="mapping")
    take.add_argument("--fetched-at")
    take.add_argument("--source", dest="lead_source", metavar="NAME")
    take.add_argument("--replace", action="store_true")
    take.add_argument("--subscribers", type=int)
    take.add_argument("--currency")
    take.add_argument("--partial", action="store_true")
    take.add_argument("--strict", action="store_true")
    take.add_argument("--dry-run", action="store_true")
    take.add_argument("--yes", action="store_true")
    take.add_argument("--chat")
    take.add_argument("--segment")
    take.set_defaults(command="import_files")


def _add_mail(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    mail = commands.add_parser("mail", parents=[common], help="")
    mail.add_argument("--period")
    mail.add_argument("--send", action="store_true")
    mail.add_argument("--resend", action="store_true")
    mail.add_argument("--resolve", choices=ANSWERS)
    mail.add_argument("--preliminary", action="store_true")
    mail.add_argument("--to", action="append", metavar="ID")
    mail.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS")
    mail.add_argument("--debug", action="store_true")
    mail.set_defaults(command="mail")


def _add_alerts(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    risks = commands.add_parser("alerts", parents=[common], help="")
    risks.add_argument("--as-of", default="today")
    risks.add_argument("--period")
    risks.add_argument("--send", action="store_true")
    risks.add_argument("--resolve", choices=ANSWERS)
    risks.add_argument("--to", action="append", metavar="ID")
    risks.add_argument("--test", action="store_true")
    risks.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS")
    risks.set_defaults(command="alerts")


def _add_verify_and_what_if(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    common: argparse.ArgumentParser,
    when: argparse.ArgumentParser,
) -> None:
    check = commands.add_parser("verify", parents=[common], help="")
    check.add_argument("reports", nargs="+", type=Path, metavar="REPORT.json")
    check.add_argument("--notebook", type=Path)
    check.set_defaults(command="verify")

    ask = commands.add_parser("what-if", parents=[common, when], help="")
    ask.add_argument("--specialist", required=True)
    ask.add_argument("--kpi", required=True)
    ask.add_argument("--target", required=True)
    ask.add_argument("--as", dest="as_", choices=("value", "change", "growth"))
    ask.add_argument("--versus", choices=("previous", "year_ago"))
    ask.add_argument("--scope")
    ask.add_argument("--json", action="store_true")
    ask.set_defaults(command="what_if")


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(shown(Phrase("cli.not_a_day", text=text))) from None
