import type { Report } from '../../src/domain/run/report.ts';
import { attributeWindows } from '../../src/domain/upgrade/attribution.ts';
import { taskDowntimes } from '../../src/domain/upgrade/task-downtime.ts';
import { createTaskRegistry } from '../../src/domain/upgrade/task-registry.ts';
import { BEGAN, LIST_NEW, report, summary, window } from './live.ts';
import { task } from './tasks.ts';
import { phaseVerdict } from './verdicts.ts';

/** Clears the screen, sets title and colours, reverses the direction of writing, and starts a new line. */
export const CONTROLS = '\u001b[2J\u001b]0;OWNED\u0007\u001b[31mEVIL\u009b31m\u202eRTL\u2066\u200b\ud800\u007f\r\nX';

/** Matches what no output may contain: control characters except tabs and line breaks, and invisible characters. */
export const RAW = /[^\P{Cc}\n\r\t]|[\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\r(?!\n)/u;

/** Returns a report with the text wherever it may come from a cloud, a playbook, a plan or a configuration. */
export function hostileReport(text: string): Report {
  const registry = createTaskRegistry();
  const start = BEGAN + 299_000;
  registry.report(task({ id: 'a', name: text, role: text, start, end: BEGAN + 302_000 }));
  const series = { ...LIST_NEW, cloud: text, vantage: text, target: text };
  const windows = attributeWindows([window({ series })], { tasks: registry, phases: [], probes: [] }).map(
    (attributed) => ({
      ...attributed,
      phase: text,
    }),
  );
  const phase = phaseVerdict({ name: text, promise: text, task: text, windows });
  const run = { ...report().run, id: text, version: text, clouds: [text, 'b'], vantages: [text, 'b'] };
  const checks = (['pass', 'fail', 'skip'] as const).map((status) => ({
    name: text,
    status,
    detail: text,
    before: null,
  }));
  return report({
    run: { ...run, facts: { [text]: text } },
    probes: [summary({ series, windows: 1 })],
    windows,
    tasks: taskDowntimes(registry.all(), windows),
    verdict: { plan: text, result: 'fail', phases: [phase] },
    observationGaps: [{ kind: 'stalled', from: BEGAN, until: BEGAN + 1500, message: text }],
    checks: [{ stage: 'after', cloud: text, vantage: text, at: BEGAN, checks, ok: false }],
  });
}
