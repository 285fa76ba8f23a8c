import { createHash } from 'node:crypto';
import type { Live, LiveSeries } from '../domain/live.ts';
import { iso } from '../domain/time.ts';
import { unready } from './readiness.ts';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top }
pre { overflow-x: auto; font: 13px/1.35 ui-monospace, monospace }
.up { color: #17803d } .down { color: #c81e1e; font-weight: bold } .degraded { color: #a16207 } .unknown, small { color: #777 }
`;

/** Nothing but this page's own style may be loaded, nobody may frame it. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The status without a script: what is now, and the report as text. Comes again by itself every five seconds. */
export function statusPage(live: Live, text: string): string {
  const troubles = [
    ...(live.paused ? ['Sampling is paused.'] : []),
    ...unready(live).map((one) => `Not ready: ${one}.`),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>${escaped(title(live))} - Rollwatch</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Rollwatch: ${escaped(title(live))}</h1>
<p><small>As of ${iso(live.at)}, rollwatch ${escaped(live.report.run.version)}</small></p>
${troubles.map((one) => `<p class="down">${escaped(one)}</p>`).join('\n')}
<table>
<thead><tr><th>Cloud</th><th>Vantage</th><th>Probe</th><th>Connection</th><th>State</th><th>Last valid sample</th><th>Now</th></tr></thead>
<tbody>
${live.series.map((one) => row(one, live.at)).join('\n')}
</tbody>
</table>
<pre>${escaped(text)}</pre>
<p><a href="/api/v1/status">status</a> <a href="/api/v1/report">report</a> <a href="/api/v1/windows">windows</a> <a href="/metrics">metrics</a> <a href="/api/v1/openapi.json">API</a></p>
</body>
</html>
`;
}

function title({ series }: Live): string {
  const states = series.map(({ state }) => state);
  if (states.includes('down')) return 'down';
  if (states.length === 0 || states.every((state) => state === 'unknown')) return 'nothing known';
  if (states.includes('unknown')) return 'up as far as known';
  return states.includes('degraded') ? 'up, but slow' : 'up';
}

function row({ series, state, last, pending, held, open }: LiveSeries, at: number): string {
  const cells = [series.cloud, series.vantage, series.probe, series.connection].map(
    (text) => `<td>${escaped(text)}</td>`,
  );
  const ago =
    last === null
      ? 'none yet'
      : `${last.outcome} ${seconds(at - last.at)} ago${last.cause ? `: ${last.cause.message}` : ''}`;
  const notes = [
    ...(open === null
      ? []
      : [`${open.kind} since ${iso(open.start.estimate)}${open.provisional ? ' (provisional)' : ''}`]),
    ...(pending !== null && at - pending.since > 1000
      ? [`no answer for ${seconds(at - pending.since)} ${pending.note}`]
      : []),
    ...(held === null ? [] : [`held: ${held}`]),
  ];
  return `<tr>${cells.join('')}<td class="${state}">${state}</td><td>${escaped(ago)}</td><td>${escaped(notes.join('; '))}</td></tr>`;
}

const seconds = (millis: number): string => `${(Math.max(0, millis) / 1000).toFixed(1)} s`;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (one) => ENTITIES[one] ?? one);
