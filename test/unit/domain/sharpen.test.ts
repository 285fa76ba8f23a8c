import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { overallDowntimeOf } from '../../../src/domain/downtime/overall.ts';
import { createSeriesState } from '../../../src/domain/downtime/series-state.ts';
import type { DowntimeWindow } from '../../../src/domain/downtime/window.ts';
import { incidentsOf } from '../../../src/domain/run/incident.ts';
import type { Connection, Sample } from '../../../src/domain/sample.ts';
import type { Interval } from '../../../src/domain/time.ts';
import { describeProbes } from '../../../src/probes/registry.ts';
import { failedSample, okSample, SERIES } from '../../support/samples.ts';

const PROBES = [...describeProbes().filter(({ name }) => name !== 'pilot'), { name: 'pilot', sharpens: 'server-list' }];

type Asked = { readonly at: number; readonly extra?: boolean; readonly failed?: Parameters<typeof failedSample>[1] };

/** The samples of one probe, sent at the given seconds. */
function observe(
  { probe, connection, interval }: { probe: string; connection: Connection; interval: number },
  asked: readonly Asked[],
  sharper: readonly DowntimeWindow[] = [],
) {
  const series = { ...SERIES, probe, connection, interval, validFor: 1.5 * interval };
  const state = createSeriesState(series, 0);
  for (const [seq, { at, failed, extra = false }] of asked.entries()) {
    const place = { seq, at: at * 1000, extra };
    const sample = failed === undefined ? okSample(place, 1) : failedSample(place, { took: 1, ...failed });
    state.accept({ ...sample, probe, connection } as Sample);
  }
  const until = (asked.at(-1)?.at ?? 0) * 1000 + 1;
  return { series, windows: state.windows(until, sharper), gaps: [], watched: { from: 0, until } };
}

const LIST = { probe: 'server-list', connection: 'new', interval: 1000 } as const;
const PILOT = { probe: 'pilot', connection: '', interval: 100 } as const;

/** Reads 'ok 1.0, failed 2.0', with a kind of failure where it matters: 'http-500 2.0'. */
const samples = (text: string): readonly Asked[] =>
  text.split(', ').map((part) => {
    const [what = '', at = ''] = part.split(' ');
    if (what === 'ok') return { at: Number(at) };
    return { at: Number(at), failed: what === 'failed' ? {} : { kind: what as 'http-500' } };
  });

const edges = ({ start, end, startBy, endBy }: DowntimeWindow): string =>
  [
    `${start.earliest / 1000} ${start.estimate / 1000} ${start.latest / 1000} ${startBy}`,
    end === null ? 'open' : `${end.earliest / 1000} ${end.estimate / 1000} ${end.latest / 1000} ${endBy}`,
  ].join('; ');

const sharpened = (list: string, pilot: string): readonly string[] => {
  const { windows } = observe(LIST, samples(list), observe(PILOT, samples(pilot)).windows);
  return windows.map(edges);
};

describe('the edges of a list window', () => {
  it.each([
    [
      'are those of the pilot where they lie inside, but it may have needed more than its process to recover',
      'ok 1, failed 2, failed 5, ok 5.6',
      'ok 1.2, ok 1.3, failed 1.4, failed 5.3, ok 5.4',
      ['1.3 1.35 1.401 pilot; 5.3 5.35 5.601 pilot'],
    ],
    [
      'stay where the list failed after the process was up again',
      'ok 1, failed 2, failed 5.5, ok 6',
      'ok 1.3, failed 1.4, failed 5.3, ok 5.4',
      ['1.3 1.35 1.401 pilot; 5.5 5.75 6.001 server-list'],
    ],
    [
      'stay where the process answers',
      'ok 1, http-500 2, ok 3',
      'ok 1.2, ok 1.3, ok 1.4, ok 2.8',
      ['1 1.5 2.001 server-list; 2 2.5 3.001 server-list'],
    ],
    [
      'stay where the causes differ',
      'ok 1, http-500 2, ok 3',
      'ok 1.2, ok 1.3, failed 1.4, failed 2.7, ok 2.8',
      ['1 1.5 2.001 server-list; 2 2.5 3.001 server-list'],
    ],
    [
      'are those of the window of the pilot that was open when the list failed',
      'ok 1, failed 2, ok 3',
      'ok 1.1, failed 1.2, ok 1.3, ok 1.6, failed 1.7, failed 2.4, ok 2.5',
      ['1.6 1.65 1.701 pilot; 2.4 2.45 3.001 pilot'],
    ],
    ['do not appear where only the pilot failed', 'ok 1, ok 2', 'ok 1.3, failed 1.4, ok 1.5', []],
  ])('%s', (_, list, pilot, expected) => {
    expect(sharpened(list, pilot)).toEqual(expected);
  });
});

it('what only the pilot saw counts as downtime of the API, and is an incident of the API', () => {
  const pilot = observe(PILOT, samples('ok 1.3, failed 1.4, failed 1.5, ok 1.6, ok 3'));
  const all = [observe(LIST, samples('ok 1, ok 2, ok 3'), pilot.windows), pilot];
  const overall = overallDowntimeOf(all, { selected: ['server-list'], probeTypes: PROBES });
  expect(overall.downtime.estimate).toBeCloseTo(0.2, 9);
  expect(overall.byProbe.get('server-list')?.outageCount).toBe(1);
  const windows = all
    .flatMap((input) => input.windows)
    .map((window) => ({
      ...window,
      countsFor: 'server-list',
      phase: null,
      candidates: [],
    }));
  expect(incidentsOf(windows, all)).toMatchObject([{ affected: [{ probe: 'server-list', kind: 'down' }] }]);
});

it('whatever the outages, each edge contains the truth, and the estimates are those of ten samples a second', () => {
  const outage = fc.record({
    pause: fc.double({ min: 2.5, max: 5, noNaN: true }),
    lasts: fc.double({ min: 0.17, max: 6, noNaN: true }),
  });
  fc.assert(
    fc.property(
      fc.array(outage, { minLength: 1, maxLength: 5 }),
      fc.double({ min: 0, max: 0.099, noNaN: true }),
      (outages, phase) => {
        const truth: Interval[] = [];
        let at = 2;
        for (const { pause, lasts } of outages) {
          truth.push({ from: at + pause, until: at + pause + lasts });
          at += pause + lasts;
        }
        const until = at + 3;
        const isDown = (time: number) => truth.some((interval) => time >= interval.from && time < interval.until);
        const outcomeAt = (time: number): Asked => (isDown(time) ? { at: time, failed: {} } : { at: time });
        const ask = (interval: number, offset: number): readonly Asked[] =>
          Array.from({ length: Math.floor((until - offset) / interval) }, (_, slot) =>
            outcomeAt(offset + slot * interval),
          );
        // After a failure, the pilot asks every 30 ms.
        const pilotSamples = ask(0.1, phase).flatMap((sample) =>
          sample.failed === undefined
            ? [sample]
            : [sample, ...[0.03, 0.06].map((later) => ({ ...outcomeAt(sample.at + later), extra: true }))],
        );
        const pilot = observe(PILOT, pilotSamples);
        const all = [
          observe(LIST, ask(1, 0), pilot.windows),
          observe({ ...LIST, connection: 'reused' }, ask(1, 0.5), pilot.windows),
          pilot,
        ];
        for (const window of all.flatMap(({ windows }) => windows)) {
          const found = truth.find(
            ({ from, until }) => from * 1000 <= window.knownUntil && window.knownUntil <= until * 1000,
          );
          if (found === undefined || window.end === null) throw new Error('a window without an outage');
          expect(window.start.earliest).toBeLessThanOrEqual(found.from * 1000);
          expect(window.start.latest).toBeGreaterThanOrEqual(found.from * 1000);
          expect(window.end.earliest).toBeLessThanOrEqual(found.until * 1000);
          expect(window.end.latest).toBeGreaterThanOrEqual(found.until * 1000);
          expect(Math.abs(window.start.estimate - found.from * 1000)).toBeLessThan(51);
          expect(Math.abs(window.end.estimate - found.until * 1000)).toBeLessThan(51);
        }
        const { outageCount, downtime } = overallDowntimeOf(all, { selected: ['server-list'], probeTypes: PROBES });
        expect(outageCount).toBe(truth.length);
        const total = truth.reduce((sum, { from, until }) => sum + until - from, 0);
        expect(Math.abs(downtime.estimate - total)).toBeLessThan(0.1 * truth.length);
      },
    ),
  );
});
