import { describe, expect, it } from 'vitest';
import { overallOf, type SeriesBook } from '../../../src/domain/downtime/overall.ts';
import type { Connection, ProbeName } from '../../../src/domain/sample.ts';
import type { Interval } from '../../../src/domain/time.ts';
import { SERIES } from '../../support/samples.ts';

type Down = readonly [from: number, until: number];

/** A series that was down in these seconds, each edge known to 100 ms on both sides. */
function book(
  probe: ProbeName,
  connection: Connection,
  { down, gaps = [] }: { down: readonly Down[]; gaps?: readonly Interval[] },
): SeriesBook {
  const series = { ...SERIES, probe, connection };
  const edge = (at: number) => ({ earliest: at * 1000 - 100, estimate: at * 1000, latest: at * 1000 + 100 });
  const windows = down.map(([from, until]) => ({
    cloud: series.cloud,
    vantage: series.vantage,
    probe,
    connection,
    target: '',
    id: `${probe}-${from}`,
    kind: 'down' as const,
    start: edge(from),
    end: edge(until),
    lastSeen: until * 1000 - 100,
    goneBy: null,
    duration: { min: 0, estimate: until - from, max: 0 },
    gaps: [],
    failedSamples: 1,
    causes: [],
    provisional: false,
  }));
  return { series, windows, gaps, watched: { from: 0, until: 100_000 } };
}

describe('the overall downtime', () => {
  const reused = book('server-list', 'reused', { down: [[10, 20]] });
  const fresh = book('server-list', 'new', {
    down: [
      [15, 25],
      [50, 51],
    ],
  });
  const boot = book('server-boot', '', { down: [[12, 40]] });
  const token = book('token', '', { down: [[70, 80]] });

  it('is the union of the windows, never their sum', () => {
    const overall = overallOf([reused, fresh, boot, token], ['server-list', 'server-boot']);
    expect(overall.downtime.estimate).toBe(31);
    expect(overall.downtime.min).toBeCloseTo(30.6, 9);
    expect(overall.downtime.max).toBeCloseTo(31.4, 9);
    expect(overall).toMatchObject({ windows: 2, longest: 30 });
  });

  it('tells API, boot and token apart', () => {
    const overall = overallOf([reused, fresh, boot, token], ['server-list']);
    expect(overall.api.estimate).toBe(16);
    expect(overall.boot.estimate).toBe(28);
    expect(overall.token.estimate).toBe(10);
    expect(overall.downtime.estimate).toBe(16);
  });

  it('calls unobserved what none of the chosen probes saw', () => {
    const a = book('server-list', 'new', { down: [], gaps: [{ from: 10_000, until: 20_000 }] });
    const b = book('server-boot', '', { down: [], gaps: [{ from: 15_000, until: 30_000 }] });
    expect(overallOf([a, b], ['server-list', 'server-boot']).unobserved).toBe(5);
    expect(overallOf([a, b], ['server-list']).unobserved).toBe(10);
  });
});
