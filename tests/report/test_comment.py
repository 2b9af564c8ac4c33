"""Comments of the head of department: what of Markdown is shown, and what is not."""

from __future__ import annotations

import pytest

from kpi_kit.report.parts import comment


@pytest.mark.parametrize(
    ("text", "shown", "hidden"),
    [
        ("**важно** и *тихо*", ["<strong>важно</strong>", "<em>тихо</em>"], []),
        ("- раз\n- два\n\n> цитата", ["<li>раз</li>", "<blockquote>"], []),
        ("<script>alert(1)</script>", ["&lt;script&gt;"], ["<script"]),
        ('<img src=x onerror="alert(1)">', ["&lt;img"], ["<img"]),
        ("[a](javascript:alert(1))", ["a"], ["href"]),
        ("[a](http://a.example) [b](//b.example) [c](c.html)", ["<a>a</a>"], ["href"]),
        ("[a](https://a.example) [b](mailto:b@b.example)", ['href="https://a.example"', "mailto:"], []),
        ("![picture](https://a.example/p.png)", [], ["<img", "p.png"]),
        ("# Заголовок\n\n`код`", ["Заголовок", "код"], ["<h1", "<code"]),
        ("{{< env HOME >}} $x$ {{ 7 * 7 }}", ["env HOME", "7 * 7"], ["49"]),
    ],
)
def test_a_comment_is_cleaned(text: str, shown: list[str], hidden: list[str]) -> None:
    html = str(comment(text))
    assert [part for part in shown if part not in html] == []
    assert [part for part in hidden if part in html] == []


def test_no_comment_is_no_section() -> None:
    assert comment(None) is comment("") is comment(" \n") is None
