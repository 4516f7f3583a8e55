"""How an order's page looks: on light and dark screens, narrow ones, and paper.

Owns: the style sheet. May not know: what is on the page.

Hidden liquidity is blue; displayed liquidity is orange, yellow or green by kind of venue. Each kind
has five shades, the first of which is taken first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SHADES_ON_LIGHT: Final = {
    "dark": ("#17375e", "#3a6899", "#6d97c0", "#9fbfdb", "#c6d9ea"),
    "exchange": ("#cd7a49", "#a4451d", "#e3a77f", "#efc9ae", "#7a3113"),
    "ecn": ("#c2a03f", "#8c6a0a", "#d9c07a", "#e9d8a8", "#66500d"),
    "inverted": ("#86a05f", "#4f6b2c", "#a9c088", "#cbdab5", "#38501b"),
    "other": ("#827e76", "#55524c", "#aaa69d", "#c9c6be", "#3a3833"),
}
SHADES_ON_DARK: Final = {
    "dark": ("#4577a8", "#7fadd9", "#2f5680", "#a9cbea", "#22405f"),
    "exchange": ("#c97b50", "#e6a27c", "#93502e", "#6d3d25", "#f1c4a8"),
    "ecn": ("#b89b45", "#dcc36f", "#837029", "#5f5221", "#ebdba4"),
    "inverted": ("#86a45c", "#b0ca87", "#5c753c", "#44572f", "#cfe0b4"),
    "other": ("#908c84", "#bdb9b0", "#6c6962", "#514f4a", "#d8d5cd"),
}


def _variables(shades: Mapping[str, tuple[str, ...]]) -> str:
    return "".join(
        f"--{family}-{place}:{colour};"
        for family, colours in shades.items()
        for place, colour in enumerate(colours)
    )


_LIGHT: Final = (
    "--paper:#fdfcf9;--ink:#22211e;--quiet:#75716a;--hair:#e3dfd6;--band:#d9d5ca;--edge:#b3ada0;"
    f"--gate:#8b2f3c;{_variables(SHADES_ON_LIGHT)}"
)
_DARK: Final = (
    "--paper:#191a1c;--ink:#e6e3dc;--quiet:#9a968d;--hair:#2f3033;--band:#3a3b3f;--edge:#64635f;"
    f"--gate:#dc8a94;{_variables(SHADES_ON_DARK)}"
)
_CLASSES: Final = "".join(
    f".{family}-{place}{{--lane:var(--{family}-{place})}}"
    for family, colours in SHADES_ON_LIGHT.items()
    for place in range(len(colours))
)

STYLE: Final = f"""
:root{{color-scheme:light dark;{_LIGHT}}}
@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}
{_CLASSES}
*{{box-sizing:border-box}}
body{{margin:0 auto;padding:2.4rem 1.4rem 3rem;max-width:62rem;background:var(--paper);
color:var(--ink);font:15px/1.5 system-ui,"Helvetica Neue",Arial,sans-serif;
font-variant-numeric:tabular-nums}}
h1{{margin:0;font:400 2.1rem/1.15 "Iowan Old Style","Palatino Linotype",Palatino,Georgia,serif;
letter-spacing:-.01em;overflow-wrap:anywhere}}
h2{{margin:2.4rem 0 .6rem;padding-top:.7rem;border-top:1px solid var(--hair);
font:400 1.15rem/1.3 "Iowan Old Style","Palatino Linotype",Palatino,Georgia,serif}}
header p{{margin:.4rem 0 0;color:var(--quiet);overflow-wrap:anywhere}}
header .said{{color:var(--gate)}}
.figures{{display:grid;grid-template-columns:repeat(auto-fit,minmax(6.9rem,1fr));gap:1.1rem .9rem;
margin:1.6rem 0 2rem;padding:1rem 0;border:solid var(--hair);border-width:1px 0}}
dt{{color:var(--quiet);font-size:.78rem}}
dd{{margin:0;font-size:1.16rem}}
dd.by{{color:var(--quiet);font-size:.74rem;line-height:1.35}}
figure{{margin:0}}
figcaption,footer{{color:var(--quiet);font-size:.8rem;margin-top:.8rem}}
footer{{margin-top:2.4rem;padding-top:.7rem;border-top:1px solid var(--hair)}}
svg{{display:block;width:100%;height:auto;overflow:visible}}
svg.narrow{{display:none}}
text{{font-size:12px;fill:var(--ink)}}
text.small{{font-size:10.5px}}
text.title{{font-weight:600}}
text.note,text.axis{{fill:var(--quiet)}}
.grid{{stroke:var(--hair);fill:none}}
.whole{{stroke:var(--ink);stroke-width:.8;fill:none}}
path.gate{{stroke:var(--gate);stroke-width:1;stroke-dasharray:1 3;fill:none}}
.lane{{fill:var(--lane);stroke:var(--paper);stroke-width:.5}}
.tie{{stroke:var(--lane,var(--quiet));fill:none}}
.band{{fill:var(--band);opacity:.55}}
.sides{{stroke:var(--edge);stroke-width:.8;fill:none}}
.arrival{{stroke:var(--quiet);stroke-dasharray:5 4;fill:none}}
.average{{stroke:var(--ink);stroke-dasharray:1.5 3;fill:none}}
.dots{{fill:var(--lane);fill-opacity:.9;stroke:var(--paper);stroke-width:.3}}
.wave .sent{{fill:none;stroke:var(--edge);stroke-width:.7}}
.wave.dark .filled{{fill:var(--dark-2)}}
.wave.lit .filled{{fill:var(--exchange-2)}}
.line{{stroke:var(--lane);stroke-width:1.4;fill:none}}
.end{{fill:var(--lane)}}
.under{{fill:var(--lane);opacity:.16}}
.mark rect{{fill:none;stroke:var(--quiet)}}
.mark.gate rect{{fill:var(--gate);stroke:none}}
.mark.gate text{{fill:var(--paper)}}
.scroll{{overflow-x:auto}}
table{{border-collapse:collapse;width:100%;font-size:.84rem;white-space:nowrap}}
th{{font-weight:400;text-align:left}}
thead th{{color:var(--quiet);font-size:.76rem}}
th:nth-child(n+3),.figure{{text-align:right}}
td,th{{padding:.32rem .5rem;border-bottom:1px solid var(--hair)}}
th:first-child{{padding-left:0}}
td:last-child,th:last-child{{padding-right:0}}
tfoot td,tfoot th{{border-bottom:0;font-weight:600}}
.swatch{{display:inline-block;width:.7em;height:.7em;margin-right:.55em;background:var(--lane)}}
.marks{{margin:0;padding-left:2.2rem}}
.marks li{{padding:.14rem 0;overflow-wrap:anywhere}}
.marks .at{{color:var(--quiet);margin-right:.4em}}
.marks .gate{{color:var(--gate)}}
@media (max-width:640px){{
body{{padding:1.4rem .9rem 2rem}}
h1{{font-size:1.6rem}}
svg.wide{{display:none}}
svg.narrow{{display:block}}
.figures{{grid-template-columns:repeat(2,1fr)}}
}}
@media print{{
:root{{color-scheme:light;{_LIGHT}--paper:#fff}}
@page{{size:A4;margin:13mm}}
html{{font-size:11px}}
body{{padding:0;max-width:none;font-size:11px;-webkit-print-color-adjust:exact;
print-color-adjust:exact}}
svg.wide{{display:block}}
svg.narrow{{display:none}}
.figures{{grid-template-columns:repeat(7,1fr);gap:.6rem;margin:.8rem 0 1rem;padding:.6rem 0}}
.scroll{{overflow:visible}}
svg.wide{{width:82%;margin:0 auto}}
table{{font-size:10px}}
td,th{{padding:.12rem .3rem}}
tfoot{{display:table-row-group}}
figure,tr,li{{break-inside:avoid}}
h2{{break-after:avoid;margin-top:.8rem}}
footer,figcaption{{margin-top:.5rem;padding-top:.3rem}}
}}
"""
