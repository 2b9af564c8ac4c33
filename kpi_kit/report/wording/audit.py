"""Findings of the SMART audit in words, each with the proposal that would pass."""

from __future__ import annotations

from kpi_kit.report.wording import Words
from kpi_kit.report.wording.verdicts import percent_chance
from kpi_kit.scorecard.entry_record import EntryRecord, Finding, Proposal, TargetRecord


def criterion(finding: Finding, words: Words) -> str:
    """The criterion that a target does not meet; one that is too easy is achievable."""
    too_easy = finding["code"] == "already_given"
    return words.text("smart.not_too_easy" if too_easy else f"smart.{finding['letter']}")


def entry_sentences(finding: Finding, record: EntryRecord, words: Words) -> list[str]:
    """What is wrong with a target, and which one would pass."""
    match finding["code"]:
        case "out_of_reach" | "already_given" as code:
            during, chance = words.inside(finding["period"]), percent_chance(finding["chance"], words)
            asked = proposed_target(finding.get("target"), record, words)
            asked = f" ({asked})" if asked else ""
            said = words.text(f"smart.finding.{code}", asked=asked, during=during, chance=chance)
            return [said, *_proposed(finding["proposal"], record, words)]
        case "rarely_assessable":
            count, of = words.number(finding["count"]), words.number(finding["of"])
            said = words.text("smart.finding.rarely_assessable", count=count, of=of)
            return [said, *_to_import(finding["proposal"], words)]
        case "no_year_ago":
            return [words.text("smart.finding.no_year_ago", period=words.period(finding["period"]))]
        case "not_a_duty":
            family = words.quote(words.text(f"family.{finding['family']}"))
            return [words.text("smart.finding.not_a_duty", family=family)]
        case "deadline_passed":
            return [words.text("smart.finding.deadline_passed", by=words.day(finding["by"]))]
        case code:
            return [words.text(f"smart.finding.{code}")]


def proposed_target(proposal: Proposal | None, record: EntryRecord, words: Words) -> str:
    """A target that would pass; empty where there is none."""
    if proposal is None:
        return ""
    target: TargetRecord = {"kind": proposal["kind"], "value": proposal["value"], "base": None}
    asked = words.target({**record, "target": target, "value": None}, spelled=True)
    if proposal["per"] is not None:
        asked = words.text(f"smart.per.{proposal['per']}", target=asked)
    return asked


def _proposed(proposal: Proposal | None, record: EntryRecord, words: Words) -> list[str]:
    if proposal is None:
        return []
    asked = proposed_target(proposal, record, words)
    return [words.text("smart.proposal", target=asked, chance=percent_chance(proposal["chance"], words))]


def _to_import(proposal: Proposal | None, words: Words) -> list[str]:
    if proposal is None:
        return []
    tables = ", ".join(words.text(f"table.{name}") for name in proposal["tables"])
    periods = words.join(map(words.period, proposal["periods"]))
    return [words.text("smart.import", tables=tables, periods=periods)]


def set_sentence(finding: Finding, words: Words) -> str:
    """What is unusual about a whole set of KPIs."""
    match finding["code"]:
        case "heavy_family":
            family = words.quote(words.text(f"family.{finding['family']}"))
            return words.text("smart.set.heavy_family", family=family, share=words.share(finding["share"], 0))
        case "no_quality_pair":
            kpi = words.quote(words.text(f"kpi.{finding['kpi']}.name"))
            pairs = [words.quote(words.text(f"kpi.{pair}.name")) for pair in finding["pairs"]]
            return words.text("smart.set.no_quality_pair", kpi=kpi, pairs=words.either(pairs))
        case code:
            figures = {name: words.number(finding[name]) for name in ("least", "most")}
            return words.plural(f"smart.set.{code}", finding["count"], **figures)
