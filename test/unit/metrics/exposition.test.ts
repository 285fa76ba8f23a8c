import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../../src/metrics/metrics.ts';
import { describeProbes } from '../../../src/probes/registry.ts';
import { readFamilies } from '../../support/exposition.ts';
import { BOOT, LIST_KEPT, LIST_NEW, live, liveSeries, summary, TOKEN, wholeVerdict } from '../../support/live.ts';
import { isMissing, tool } from '../../support/requirements.ts';
import { failedSample, okSample } from '../../support/samples.ts';
import { phaseVerdict } from '../../support/verdicts.ts';

const all = [LIST_NEW, LIST_KEPT, BOOT, TOKEN];

async function exposition(): Promise<string> {
  const metrics = createMetrics({ version: '0.1.0', probes: describeProbes() });
  const base = live();
  metrics.update(
    {
      ...base,
      phase: 'maintenance',
      phases: ['maintenance'],
      series: all.map((series) => liveSeries({ series })),
      report: {
        ...base.report,
        probes: all.map((series) => summary({ series })),
      },
    },
    wholeVerdict({ plan: 'night', result: 'fail', phases: [phaseVerdict()] }),
  );
  metrics.observe({ ...okSample({ seq: 0, at: 0 }, 42), cloud: 'prod"\\\n', stages: { connect: 0.01 } });
  metrics.observe(failedSample({ seq: 1, at: 1000 }));
  return metrics.text();
}

describe('the text of /metrics', () => {
  it.skipIf(isMissing(tool('promtool', 'prometheus')))('passes promtool check metrics without a finding', async () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await exposition(),
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('has exactly the metrics of docs/metrics.md, with the same types and labels', async () => {
    const exported = [...readFamilies(await exposition())]
      .filter(([name]) => name.startsWith('rollwatch_'))
      .map(([name, { type, labels }]) => ({ name, type, labels: labels.toSorted() }));
    const expected = documented().map(({ name, type, labels }) => ({ name, type, labels }));
    expect(expected.toSorted(byName)).toEqual(exported.toSorted(byName));
  });

  it('has the help texts that start the meanings in docs/metrics.md', async () => {
    const helps = new Map(
      [...(await exposition()).matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name = '', help = '']) => [name, help]),
    );
    for (const { name, meaning } of documented()) {
      const help = helps.get(name);
      expect({ name, help: `${meaning}.`.slice(0, help?.length) }).toEqual({ name, help });
    }
  });
});

const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);

type DocumentedMetric = {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly meaning: string;
};

/** Reads the rows `name` | type | labels | meaning; 'series' and 'place' are short for label sets. */
function documented(): readonly DocumentedMetric[] {
  const text = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const sets: Record<string, readonly string[]> = {
    series: ['cloud', 'vantage', 'probe', 'connection'],
    place: ['cloud', 'vantage'],
  };
  return [...text.matchAll(/^\| `(rollwatch_\w+)` \| (\w+) \|([^|]*)\|([^|]*)\|$/gm)].map(
    ([, name = '', type = '', cell = '', meaning = '']) => ({
      name,
      type,
      labels: [...cell.matchAll(/\w+/g)].flatMap(([word]) => sets[word] ?? [word]).toSorted(),
      meaning: meaning.replaceAll('`', '').trim(),
    }),
  );
}
