/** Of the HTML report: light and dark, a phone and paper. Nothing is fetched: the letters are the reader's own. */
export const HTML_STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --sheet: #fff; --ink: #1b2330; --soft: #566072; --line: #dde1e8; --shade: #3b5bdb0d;
  --good: #17703a; --good-sheet: #e6f4ea; --warn: #855400; --warn-sheet: #fdf2d8; --bad: #b3191f; --bad-sheet: #fde9e8;
  --up: #7cc494; --slow-max: #fbe3ac; --slow-estimate: #f2c14b; --slow-min: #dd9b13;
  --down-max: #f7b7b2; --down-estimate: #e3645f; --down-min: #c2181f; --unseen: #c3c9d3; --task: #5b4bc4;
}
@media (prefers-color-scheme: dark) { @media not print { :root {
  --page: #11151c; --sheet: #1a202b; --ink: #e6e9ef; --soft: #a3acbd; --line: #303949; --shade: #8ea2ff14;
  --good: #6fd693; --good-sheet: #16301f; --warn: #f0bd55; --warn-sheet: #362a10; --bad: #ff8f88; --bad-sheet: #3f191b;
  --up: #2f7d4b; --slow-max: #5b4a1c; --slow-estimate: #a67a1a; --slow-min: #e0a52d;
  --down-max: #6d2b2c; --down-estimate: #b8383a; --down-min: #ff5e57; --unseen: #4a5364; --task: #a99bff;
} } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; -webkit-text-size-adjust: 100% }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 3rem }
header, section { background: var(--sheet); border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem 1.25rem; margin-bottom: 1rem }
header { border-left: 6px solid var(--soft) }
header.good { border-left-color: var(--good) } header.warn { border-left-color: var(--warn) } header.bad { border-left-color: var(--bad) }
.brand, .run { color: var(--soft); margin: 0; font-size: .87rem; overflow-wrap: anywhere }
h1 { font-size: 1.5rem; line-height: 1.3; margin: .2rem 0 .5rem; overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin: 0 0 .7rem }
header ul { margin: 0 0 .7rem; padding-left: 1.1rem; overflow-wrap: anywhere }
.good { color: var(--good) } .warn { color: var(--warn) } .bad { color: var(--bad) }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; margin: 0 0 1rem }
.figures div { background: var(--sheet); border: 1px solid var(--line); border-radius: 10px; padding: .7rem 1rem }
.figures dt { color: var(--soft); font-size: .82rem }
.figures dd { margin: 0; font-size: 1.35rem; font-weight: 650; font-variant-numeric: tabular-nums }
.figures small { display: block; color: var(--soft); font-size: .8rem; font-weight: 400; min-height: 1.2em }
table { border-collapse: collapse; width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums }
caption { text-align: left; color: var(--soft); font-size: .85rem; padding-bottom: .3rem }
th, td { text-align: left; vertical-align: top; padding: .38rem .9rem .38rem 0; border-bottom: 1px solid var(--line) }
th, td.words { min-width: 7.2rem; overflow-wrap: anywhere }
tbody tr:last-child > * { border-bottom: 0 }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap }
thead .number, td.number, td.figure { white-space: nowrap } .number { text-align: right } thead th:not(:first-child) { min-width: 0 }
.series { display: block } .again { color: var(--soft); font-weight: 400 }
td small, tbody th small { display: block; color: var(--soft); font-weight: 400 }
.chip { display: inline-block; border-radius: 99px; padding: 0 .6em; font-size: .82rem; font-weight: 650; white-space: nowrap }
.chip.good { background: var(--good-sheet) } .chip.warn { background: var(--warn-sheet) } .chip.bad { background: var(--bad-sheet) }
.left, .note { color: var(--soft); font-size: .87rem; margin: .6rem 0 0 }
section > svg { display: block }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif }
svg .axis { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums }
.tick { stroke: var(--line) }
.up { fill: var(--up) } .unobserved { fill: var(--unseen) } .shade { fill: var(--shade) }
.degraded.max { fill: var(--slow-max) } .degraded.estimate { fill: var(--slow-estimate) } .degraded.min { fill: var(--slow-min) }
.down.max { fill: var(--down-max) } .down.estimate { fill: var(--down-estimate); stroke: var(--down-estimate) } .down.min { fill: var(--down-min) }
.phase { fill: var(--unseen); fill-opacity: .5 }
.phase.pass { fill: var(--good-sheet); stroke: var(--good); fill-opacity: 1; stroke-opacity: .45 }
.phase.not-proven { fill: var(--warn-sheet); stroke: var(--warn); fill-opacity: 1; stroke-opacity: .6 }
.phase.fail { fill: var(--bad-sheet); stroke: var(--bad); fill-opacity: 1; stroke-opacity: .6 }
.task { fill: var(--task); stroke: var(--task) } .blamed { stroke: var(--task); stroke-dasharray: 2 3; stroke-opacity: .7 }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; list-style: none; margin: .8rem 0 0; padding: 0; color: var(--soft); font-size: .82rem }
.legend li { display: flex; align-items: center; gap: .4rem }
@media screen and (max-width: 54rem) {
  main { padding: .75rem .6rem 2rem } header, section { padding: .9rem } h1 { font-size: 1.25rem }
  .figures { grid-template-columns: 1fr 1fr; gap: .5rem } .figures dd { font-size: 1.15rem }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
  table, caption, tbody, tr, tbody th { display: block }
  tbody tr { border-bottom: 1px solid var(--line); padding: .5rem 0 } tbody tr:last-child { border: 0 }
  tbody th, td, td.number, td.figure { border: 0; padding: .1rem 0; white-space: normal; text-align: left }
  td { display: grid; grid-template-columns: 7rem minmax(0, 1fr); gap: .5rem; justify-items: start }
  td::before { content: attr(data-head); color: var(--soft) } td small { grid-column: 2 }
}
@media print {
  @page { margin: 14mm }
  :root { color-scheme: light; print-color-adjust: exact; -webkit-print-color-adjust: exact }
  body { background: none; font-size: 10pt } main { max-width: none; padding: 0 } table { font-size: 8pt } th, td.words { min-width: 5.3rem } .chip, caption { font-size: inherit }
  .figures { grid-template-columns: repeat(5, 1fr); gap: .4rem } .figures div { padding: .5rem } .figures dd { font-size: 1.1rem } .figures dt { font-size: .75rem } th, td { padding-right: .5rem }
  header, section, .figures div { border-radius: 0; border-color: #bbb } tr, svg, .figures, header { break-inside: avoid } h2, caption { break-after: avoid }
}
`;
