import { describe, expect, it } from 'vitest';
import { compareRuns, trend } from '../../../src/domain/run/comparison.ts';
import { comparisonJson, comparisonText } from '../../../src/report/text/comparison.ts';
import { BEGAN, overall, report } from '../../support/live.ts';
import { measures, neverBegun, phaseVerdict } from '../../support/verdicts.ts';

const day = 86_400_000;

const runOf = (index: number, api: { min: number; estimate: number; max: number }) =>
  report({
    run: {
      ...report().run,
      id: `run-${index}`,
      startedAt: BEGAN + index * day,
      endedAt: BEGAN + index * day + 750_000,
    },
    overall: overall({ down: { 'server-list': api } }),
    verdict: {
      plan: 'p',
      result: 'pass',
      phases: [
        phaseVerdict({ measures: measures({ elapsed: 60 + index, api_downtime: api }), result: 'pass' }),
        index === 0 ? neverBegun() : phaseVerdict({ name: 'computes', result: 'pass' }),
      ],
    },
  });

describe('a comparison of runs', () => {
  it.each([
    [{ min: 1, estimate: 2, max: 3 }, { min: 3.1, estimate: 4, max: 5 }, 'worse'],
    [{ min: 1, estimate: 2, max: 3 }, { min: 2.9, estimate: 4, max: 5 }, 'same'],
    [{ min: 1, estimate: 2, max: 3 }, { min: 0, estimate: 0, max: 0.9 }, 'better'],
  ])('%j and then %j is %s', (before, now, expected) => {
    expect(trend(before, now)).toBe(expected);
  });

  const later = runOf(1, { min: 1, estimate: 2, max: 3 });
  const earlier = runOf(0, { min: 6, estimate: 7, max: 8 });

  it('has the runs in order of their start, with the changes beyond the error bars', () => {
    expect(comparisonText(compareRuns([later, earlier]), { colour: false, width: 120 })).toBe(`The whole run
  run                               took  API down                     boot down  verdict
  2026-11-23 07:10:00  prod  12 min 30 s  7.0 s (6.0 to 8.0 s)         0 s        pass
  2026-11-24 07:10:00  prod  12 min 30 s  2.0 s (1.0 to 3.0 s) better  0 s        pass

Phase maintenance
  run                             took  API down                     boot down  verdict
  2026-11-23 07:10:00  prod  1 min 0 s  7.0 s (6.0 to 8.0 s)         0 s        pass
  2026-11-24 07:10:00  prod  1 min 1 s  2.0 s (1.0 to 3.0 s) better  0 s        pass

Phase computes
  run                             took  API down  boot down  verdict
  2026-11-23 07:10:00  prod          -  -         -          not started
  2026-11-24 07:10:00  prod  1 min 0 s  0 s       0 s        pass

'better' and 'worse' are relative to the previous run, and are shown only if the error bars do not overlap.
`);
  });

  it.each([36, 50, 70])('truncates no figure on a terminal of %d columns', (width) => {
    const lines = comparisonText(compareRuns([later, earlier]), { colour: false, width }).split('\n');
    expect(lines.filter((line) => line.length > width)).toEqual([]);
    const words = lines.join(' ').replaceAll(/\s+/g, ' ');
    expect(words).toContain(
      '2026-11-24 07:10:00 prod took 12 min 30 s API down 2.0 s (1.0 to 3.0 s) better boot down 0 s verdict pass',
    );
    expect(words).not.toContain('…');
  });

  it('truncates no figure in a file', () => {
    const long = { ...later, run: { ...later.run, clouds: ['c'.repeat(120)] } };
    const text = comparisonText(compareRuns([long, earlier]), { colour: false, width: Number.POSITIVE_INFINITY });
    expect(text).toMatch(/c{120} {2}12 min 30 s {2}2\.0 s \(1\.0 to 3\.0 s\) better {2}0 s +pass\n/);
  });

  it('is available as JSON', () => {
    expect(JSON.parse(comparisonJson(compareRuns([later, earlier])))).toMatchObject({
      runs: [
        {
          id: 'run-0',
          startedAt: '2026-11-23T07:10:00.000Z',
          elapsedSeconds: 750,
          probes: {
            'server-list': { downtimeSeconds: { min: 6, estimate: 7, max: 8 }, trend: null },
            'server-boot': { trend: null },
          },
        },
        {
          id: 'run-1',
          probes: { 'server-list': { trend: 'better' }, 'server-boot': { trend: 'same' } },
          result: 'pass',
        },
      ],
      phases: [
        { name: 'maintenance', runs: [{}, { probes: { 'server-list': { trend: 'better' } } }] },
        { name: 'computes', runs: [null, { probes: { 'server-list': { trend: null } } }] },
      ],
    });
  });
});
