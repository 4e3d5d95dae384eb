/** How a drawn chart looks, light and dark. A page that shows one inline takes this as its own, or sets the colours anew. */

/**
 * The style of drawn charts as CSS. Colours are custom properties of `.chart`; a state or an arrow that has the class
 * `is-current` or `is-taken` is lit.
 */
export const CHART_STYLE = `.chart {
  --chart-paper: #ffffff; --chart-ink: #1f2328; --chart-muted: #59636e; --chart-line: #6e7781; --chart-box: #f6f8fa;
  --chart-group: #8c959f; --chart-effect: #0550ae; --chart-good: #1a7f37; --chart-good-box: #dafbe1; --chart-bad: #a40e26;
  --chart-bad-box: #ffebe9; --chart-human: #7d4e00; --chart-human-box: #fff8c5; --chart-lit: #8250df; --chart-lit-box: #fbefff;
}
@media (prefers-color-scheme: dark) {
  .chart {
    --chart-paper: #0d1117; --chart-ink: #e6edf3; --chart-muted: #9198a1; --chart-line: #848d97; --chart-box: #161b22;
    --chart-group: #656c76; --chart-effect: #79c0ff; --chart-good: #56d364; --chart-good-box: #12261e; --chart-bad: #ff938a;
    --chart-bad-box: #301a1f; --chart-human: #e3b341; --chart-human-box: #2b2410; --chart-lit: #d2a8ff; --chart-lit-box: #2a1f3d;
  }
}
.chart text { fill: var(--chart-ink); font-family: Helvetica, Arial, 'Liberation Sans', sans-serif; font-size: 12px; }
.chart-paper { fill: var(--chart-paper); }
.chart-state path, .chart-state ellipse { fill: var(--chart-box); stroke: var(--chart-line); stroke-width: 1.5; }
.chart-state polyline { fill: none; stroke: var(--chart-line); }
.chart-state.is-around path { fill: none; stroke: var(--chart-group); }
.chart-state polygon { fill: none; stroke: var(--chart-group); stroke-dasharray: 6 3; }
.chart-state .chart-effect { fill: var(--chart-effect); }
.chart-state .chart-local, .chart-state .chart-poll, .chart-state .chart-folded { fill: var(--chart-muted); }
.chart-state.is-local path { stroke-dasharray: 4 2; }
.chart-state.is-final path { stroke: var(--chart-ink); stroke-width: 2.5; }
.chart-state.is-ended path { stroke: var(--chart-good); fill: var(--chart-good-box); }
.chart-state.is-final.is-failed path { stroke: var(--chart-bad); fill: var(--chart-bad-box); }
.chart-state.is-human path { stroke: var(--chart-human); fill: var(--chart-human-box); }
.chart-initial { fill: var(--chart-ink); }
.chart-arrow path { fill: none; stroke: var(--chart-line); }
.chart-arrow polygon { fill: var(--chart-line); stroke: var(--chart-line); }
.chart .chart-label text { font-size: 10px; paint-order: stroke; stroke: var(--chart-paper); stroke-width: 3px; stroke-linejoin: round; }
.chart-state.is-current path, .chart-state.is-current polygon { stroke: var(--chart-lit); stroke-width: 3; }
.chart-state.is-current:not(.is-around) path { fill: var(--chart-lit-box); }
.chart-arrow.is-taken path { stroke: var(--chart-lit); stroke-width: 2.5; }
.chart-arrow.is-taken polygon { fill: var(--chart-lit); stroke: var(--chart-lit); }
.chart .chart-label.is-taken text { fill: var(--chart-lit); font-weight: bold; }
`
