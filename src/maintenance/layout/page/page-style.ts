/** Everything the page looks like; fonts are the system's. */
export const PAGE_STYLE = `
:root { color-scheme: light dark;
  --page: #f4f5f7; --card: #ffffff; --text: #16202c; --soft: #55616f; --line: #d9dee5; --grid: #e8ebf0;
  --data: #2f6fde; --area: #2f6fde22; --good: #1f8a5b; --warn: #c77700; --bad: #c93a3a; --quiet: #c3cbd6; --mark: #16202c;
  --heat0: #eef1f5; --heat1: #c9dcfa; --heat2: #97bdf5; --heat3: #629bec; --heat4: #2f6fde; --heat5: #184a9f; }
@media (prefers-color-scheme: dark) { :root {
  --page: #0e1319; --card: #171e27; --text: #e6ebf2; --soft: #9aa7b6; --line: #2c3744; --grid: #242e3a;
  --data: #5b9bff; --area: #5b9bff26; --good: #3fbf86; --warn: #f0a63a; --bad: #f26d6d; --quiet: #3a4654; --mark: #e6ebf2;
  --heat0: #1f2832; --heat1: #1d3a63; --heat2: #22508f; --heat3: #2f6cc0; --heat4: #5b9bff; --heat5: #a9cbff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1320px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 27px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 40px 0 12px; }
h3 { font-size: 15px; margin: 0; display: inline; }
code { font: 13px/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.where { color: var(--soft); margin: 0; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 22px 0 0; padding: 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px; margin: 0; }
.tile dt { color: var(--soft); font-size: 13px; }
.tile dd { margin: 0; }
.tile .figure { font-size: 25px; font-weight: 650; letter-spacing: -0.02em; line-height: 1.3; white-space: nowrap; }
.tile .note { color: var(--soft); font-size: 13px; }
.advice { list-style: none; margin: 0; padding: 0; display: grid; gap: 10px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); }
.advice li { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--tone); border-radius: 10px; padding: 12px 16px; }
.advice p { margin: 3px 0 0; color: var(--soft); font-size: 14px; }
.advice .badge { color: var(--tone); font-size: 12px; font-weight: 650; text-transform: uppercase; letter-spacing: 0.05em; margin-right: 8px; }
.advice code { display: inline-block; margin-top: 8px; padding: 2px 8px; border-radius: 6px; background: var(--heat0); color: var(--text); }
.advice code span { white-space: nowrap; }
.act { --tone: var(--bad); } .consider { --tone: var(--warn); } .fine { --tone: var(--good); }
.charts { display: grid; gap: 16px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 380px), 1fr)); align-items: start; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 18px; margin: 0; min-width: 0; }
figcaption p { margin: 2px 0 12px; color: var(--soft); font-size: 13.5px; line-height: 1.4; }
.empty { color: var(--soft); margin: 8px 0 0; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--soft); font-size: 12px; }
svg text.name { fill: var(--text); } svg text.value { fill: var(--text); font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--grid); } svg .base { stroke: var(--quiet); } svg .mark { stroke: var(--mark); stroke-dasharray: 4 3; }
svg .data { fill: var(--data); } svg .good { fill: var(--good); } svg .warn { fill: var(--warn); } svg .bad { fill: var(--bad); } svg .quiet { fill: var(--quiet); }
svg .hit { fill: transparent; } svg .hit:hover { fill: var(--grid); }
svg .line { fill: none; stroke: var(--data); stroke-width: 2; stroke-linejoin: round; } svg .area { fill: var(--area); }
svg .tag { fill: var(--warn); } svg .tick { stroke: var(--data); stroke-width: 1.5; } svg .past { fill: var(--heat0); }
svg .point { fill: var(--data); stroke: var(--card); stroke-width: 1; } svg .point:hover { stroke: var(--text); }
svg .heat0 { fill: var(--heat0); } svg .heat1 { fill: var(--heat1); } svg .heat2 { fill: var(--heat2); } svg .heat3 { fill: var(--heat3); }
svg .heat4 { fill: var(--heat4); } svg .heat5 { fill: var(--heat5); }
details.card { margin: 0 0 12px; } summary { cursor: pointer; } summary::marker { color: var(--soft); }
.scroll { overflow: auto; max-height: 460px; margin-top: 12px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 12ch; }
th { color: var(--soft); font-weight: 550; position: sticky; top: 0; background: var(--card); }
.number { text-align: right; padding-right: 4px; padding-left: 14px; }
footer { color: var(--soft); font-size: 13px; margin-top: 36px; }
footer p { margin: 0 0 6px; }
@media print { .card, .tile, .advice li { break-inside: avoid; } .hit { display: none; } }
`
