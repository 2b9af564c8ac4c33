"""White label: which logos and accents are refused, and where a brand shows."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from builders import write_params

from kpi_kit.core.errors import InputError, ReportError
from kpi_kit.params import Params, brand_record, load
from kpi_kit.params.brand import LARGEST, contrast
from kpi_kit.report import THEME, DepartmentReport, SpecialistReport, figures, parts
from tests import cards

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'
NO_BRAND = {"logo": None, "accent": None}


def loaded(folder: Path, name: str, data: bytes | str) -> Params:
    write_params(
        folder,
        {"agency": "A", "brand": {"logo": name}},
        {"anna": {"kpis": [{"kpi": "leads", "target": {"at_least": 4}, "weight": 1}]}},
    )
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return load(folder)


HARMLESS = [
    ("logo.png", PNG, "image/png"),
    ("LOGO.PNG", PNG, "image/png"),
    ("logo.jpg", b"\xff\xd8\xff\xe0", "image/jpeg"),
    ("logo.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ("logo.svg", SVG.format(""), "image/svg+xml"),
    ("a.svg", SVG.format('<use xlink:href="#a"/><path fill="url( \'#b\' )"/>'), "image/svg+xml"),
    (
        "b.svg",
        SVG.format("<style>a { fill: url(#b) }</style><title>https://x.example</title>"),
        "image/svg+xml",
    ),
    ("c.svg", SVG.format('<image href="data:image/png;base64,AA"/>'), "image/svg+xml"),
]


@pytest.mark.parametrize(("name", "data", "kind"), HARMLESS)
def test_a_logo_is_carried_as_it_is(tmp_path: Path, name: str, data: bytes | str, kind: str) -> None:
    params = loaded(tmp_path, name, data)
    found = brand_record(params.department.brand, tmp_path)
    head, _, body = str(found["logo"]).partition(",")
    assert head == f"data:{kind};base64" and found["accent"] is None
    assert base64.b64decode(body) == (tmp_path / name).read_bytes()


SCRIPTED = [
    ("", "cannot be read as SVG"),
    ("<svg", "cannot be read as SVG"),
    ("<html/>", "is not SVG inside"),
    (SVG.format("<script>alert(1)</script>"), "has an element <script>"),
    (SVG.format("<SCRIPT/>"), "has an element <SCRIPT>"),
    (SVG.format('<x:script xmlns:x="http://www.w3.org/2000/svg"/>'), "has an element <script>"),
    (SVG.format("<foreignObject/>"), "has an element <foreignObject>"),
    (SVG.format('<g onload="x()"/>'), "has a script in its attribute onload"),
    (SVG.format('<a xlink:href="java\tscript:x()"/>'), "has a script in its attribute href"),
    (SVG.format('<set to="javascript:x()"/>'), "has a script in its attribute to"),
    (SVG.format('<image xlink:href="http://x.example/a.png"/>'), "refers to something outside itself"),
    (SVG.format('<use href="other.svg#a"/>'), "refers to something outside itself"),
    (SVG.format('<image href="data:image/svg+xml,%3Csvg/%3E"/>'), "refers to something outside itself"),
    (SVG.format('<path fill="url(http://x.example)"/>'), "refers to something outside itself"),
    (SVG.format('<g xml:base="http://x.example"/>'), "refers to something outside itself"),
    (SVG.format("<style>@import 'a.css'</style>"), "refers to something outside itself in its styles"),
    (SVG.format("<style>a { fill: u\\72l(x) }</style>"), "refers to something outside itself in its styles"),
    (SVG.format("<g style=\"fill: image-set('//x' 1x)\"/>"), "refers to something outside itself"),
    ('<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format("&a;"), "has a <!DOCTYPE>"),
    ('<?xml-stylesheet href="a.css"?>' + SVG.format(""), "has an instruction <?xml-stylesheet?>"),
]


@pytest.mark.parametrize(("data", "said"), SCRIPTED)
def test_an_svg_that_runs_or_fetches_is_refused(tmp_path: Path, data: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        loaded(tmp_path, "logo.svg", data)
    (problem,) = caught.value.problems
    assert re.sub(r", line \d+:", ":", problem).startswith(
        f"{tmp_path / 'department.yml'}: brand.logo: 'logo.svg' {said}"
    )
    assert "\n" not in problem


def test_a_doctype_in_another_encoding_is_seen_too(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE svg>' + SVG.format("")
    with pytest.raises(InputError, match="has a <!DOCTYPE>"):
        loaded(tmp_path, "logo.svg", text.encode("utf-16"))


def test_other_files_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"brand\.logo: 'logo\.png' is not PNG inside"):
        loaded(tmp_path, "logo.png", b"GIF89a")
    with pytest.raises(InputError, match=r"expected a file under 200 KB, found 'logo\.png' with 200 KB"):
        loaded(tmp_path, "logo.png", PNG + bytes(LARGEST - len(PNG)))
    (tmp_path / "logo.png").unlink()
    with pytest.raises(InputError, match=r"brand\.logo: there is no file .*logo\.png"):
        load(tmp_path)
    write_params(tmp_path, {"agency": "A", "brand": {"logo": "/logo.png"}}, {})
    with pytest.raises(InputError, match=r"a path that starts in .* is expected, found '/logo\.png'"):
        load(tmp_path)


# by the definition of WCAG 2: red is (1 + 0.05) / (0.2126 + 0.05); #767676 is the lightest grey that passes
CONTRASTS = [("#000000", 21.0), ("#ffffff", 1.0), ("#ff0000", 1.05 / 0.2626), ("#767676", 4.54)]


@pytest.mark.parametrize(("colour", "ratio"), CONTRASTS)
def test_contrast_is_that_of_wcag(colour: str, ratio: float) -> None:
    assert contrast(colour) == pytest.approx(ratio, abs=0.005)


def test_the_accent_is_in_page_and_figures() -> None:
    brand = {"logo": "data:image/png;base64,AA", "accent": "#0b6b50"}
    made = SpecialistReport(cards.card(brand=brand))
    header, figures_ = made.header(), made.figures()
    assert header is not None and figures_ is not None
    assert ":root { --k-fact: #0b6b50; }" in header.html
    assert '<img src="data:image/png;base64,AA" alt="Агентство «Маяк»" class="k-logo">' in header.html
    pictures = [base64.b64decode(found).decode() for found in re.findall(r"base64,([\w+/=]+)", figures_.html)]
    assert all("#0b6b50" in picture and "#1b5a96" not in picture for picture in pictures)
    department = DepartmentReport("2025-10", [cards.card(brand=brand)], {}, "ru", "RUB").header()
    assert department is not None
    assert "--k-fact: #0b6b50" in department.html and 'class="k-logo"' in department.html


def test_without_a_brand_there_is_neither() -> None:
    html = str(parts.branded(NO_BRAND, None, "Анна"))
    assert "--k-fact" not in html and "<img" not in html
    assert figures.theme(THEME, None) == figures.theme(THEME)


def test_paper_says_who_and_when_and_names_cannot_break_out() -> None:
    html = str(parts.branded(NO_BRAND, 'A"; } </style>', "Анна Петрова, октябрь 2025"))
    assert '@top-left { content: "Анна\\000020Петрова\\00002c\\000020октябрь\\0000202025"; }' in html
    assert (
        '@top-right { content: "A\\000022\\00003b\\000020\\00007d\\000020\\00003c\\00002fstyle\\00003e"; }'
        in html
    )
    assert html.count("</style>") == 1


def test_a_scorecard_with_an_odd_accent_is_named() -> None:
    with pytest.raises(ReportError, match="brand.accent"):
        parts.branded({"logo": None, "accent": "red; } body { x"}, None, "")
