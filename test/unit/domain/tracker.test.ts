import { describe, expect, it } from 'vitest';
import {
  advance,
  beginTrack,
  gapBefore,
  openWindowOf,
  type SeriesTrack,
} from '../../../src/domain/downtime/tracker.ts';
import type { DowntimeWindow } from '../../../src/domain/downtime/window.ts';
import type { Sample } from '../../../src/domain/sample.ts';
import { failedSample, okSample, SERIES, voidSample } from '../../support/samples.ts';

/**
 * One letter per second: o ok, l ok after 0.9 s, f failed at once, r reset after 0.8 s, p 502 of a proxy after 0.8 s,
 * t truncated body after 0.8 s, h timeout after 10 s, s ok after 3 s, v void, . no sample.
 * The session starts at 0, the first sample is sent at 1 s.
 */
function samplesOf(letters: string): readonly Sample[] {
  let seq = 0;
  return [...letters].flatMap((letter, index) => {
    const place = { seq: letter === '.' ? seq : seq++, at: (index + 1) * 1000 };
    if (letter === 'o') return [okSample(place, 20)];
    if (letter === 'f') return [failedSample(place, { took: 5 })];
    if (letter === 'l') return [okSample(place, 900)];
    if (letter === 'r') return [failedSample(place, { took: 800, kind: 'connection-reset' })];
    if (letter === 'p') return [failedSample(place, { took: 800, kind: 'http-502' })];
    if (letter === 't') return [failedSample(place, { took: 800, kind: 'truncated-body' })];
    if (letter === 'h') return [failedSample(place, { took: 10_000, timedOut: true, kind: 'response-timeout' })];
    if (letter === 's') return [okSample(place, 3000)];
    if (letter === 'v') return [voidSample(place, 10)];
    return [];
  });
}

function run(letters: string): { windows: readonly DowntimeWindow[]; gaps: readonly number[][]; track: SeriesTrack } {
  const windows: DowntimeWindow[] = [];
  const gaps: number[][] = [];
  let track = beginTrack(SERIES, 0);
  for (const sample of samplesOf(letters)) {
    const next = advance(track, sample);
    track = next.track;
    windows.push(...next.closed);
    if (next.gap !== null) gaps.push([next.gap.from, next.gap.until]);
  }
  return { windows, gaps, track };
}

const bracket = (earliest: number, estimate: number, latest: number) => ({ earliest, estimate, latest });

describe('the windows of a series', () => {
  it('open at the first failed sample after an ok one, and close at the next ok one', () => {
    const { windows } = run('offoo');
    expect(windows).toHaveLength(1);
    expect(windows[0]).toMatchObject({
      kind: 'down',
      start: bracket(1000, 1500, 2005),
      end: bracket(3000, 3500, 4020),
      duration: { min: 0.995, estimate: 2, max: 3.02 },
      failedSamples: 2,
      causes: [{ kind: 'connection-refused', service: 'nova-api', count: 2 }],
    });
  });

  it.each([
    ['exact, if the first answer was cut off and the next sample fails sooner', 'otfo', bracket(1000, 2800, 2800)],
    ['midway, if all answers are cut off', 'otttto', bracket(1000, 1500, 2800)],
    ['midway, if only a later answer was cut off', 'oftfo', bracket(1000, 1500, 2005)],
    ['midway, if no other sample failed', 'oto', bracket(1000, 1500, 2800)],
    ['midway, if the next sample hangs', 'othfo', bracket(1000, 1500, 2800)],
    ['midway, if the first request was reset within the usual latency', 'lllllrfo', bracket(5000, 5500, 6800)],
    ['midway, if there was no ok sample before', 'rfo', bracket(0, 500, 1800)],
    ['midway and wide, if there were few ok samples before', 'ooorfo', bracket(3000, 3500, 4800)],
    ['bounded by the send time of a request that waited in the queue', 'ooooorfo', bracket(5000, 5500, 6060)],
    ['bounded alike, if a proxy sent that request', 'ooooopfo', bracket(5000, 5500, 6060)],
    ['bounded alike, if several requests waited', 'ooooorrrfo', bracket(5000, 5500, 6060)],
    ['bounded alike, if the first one was void', 'ooooovrfo', bracket(5000, 6000, 7060)],
    ['wide, if an ok sample took longer than the wait', 'oooolrfo', bracket(5000, 5500, 6800)],
  ])('have their start %s', (_what, letters, start) => {
    expect(run(letters).windows[0]?.start).toEqual(start);
  });

  it.each([
    ['the time of the first reset, if the next sample fails sooner', 'oooorfo', 5800],
    ['the time of the first cut-off answer, if the next sample fails sooner', 'ooootfo', 5800],
    ['null, if all requests are reset', 'oooorrrro', null],
    ['null, if only a later request was reset', 'oooofrfo', null],
    ['null, if the first request was refused', 'ooooffo', null],
  ])('have exitedBy %s', (_what, letters, exitedBy) => {
    expect(run(letters).windows[0]?.exitedBy).toBe(exitedBy);
  });

  it('may start with the session, if the first sample fails', () => {
    expect(run('fo').windows[0]).toMatchObject({ start: bracket(0, 500, 1005), end: bracket(1000, 1500, 2020) });
  });

  it('have a minimum of 0 if only one sample failed', () => {
    expect(run('ofo').windows[0]?.duration).toEqual({ min: 0, estimate: 1, max: 2.02 });
  });

  it('do not split if the kind of failure changes', () => {
    const { windows } = run('offho');
    expect(windows).toHaveLength(1);
    expect(windows[0]?.causes).toEqual([
      { kind: 'connection-refused', service: 'nova-api', count: 2, firstAt: 2000 },
      { kind: 'response-timeout', service: 'nova-api', count: 1, firstAt: 4000 },
    ]);
  });

  it('bound the start of a hang by the usual latency', () => {
    expect(run('ooho').windows[0]?.start).toEqual(bracket(2000, 2500, 3020));
  });

  it('bound the start of a hang by the whole wait if no usual latency is known', () => {
    expect(run('ho').windows[0]?.start).toEqual(bracket(0, 500, 11_000));
  });

  it('bound their start by the earliest failure that was certain', () => {
    expect(run('hfo').windows[0]?.start).toEqual(bracket(0, 500, 2005));
  });

  it('have a wider start after a void sample, which is neither up nor down', () => {
    const { windows, gaps } = run('ovfo');
    expect(windows[0]).toMatchObject({ start: bracket(1000, 2000, 3005), end: bracket(3000, 3500, 4020) });
    expect(gaps).toEqual([[2000, 3000]]);
    expect(windows[0]?.duration).toEqual({ min: 0, estimate: 0.5, max: 2.02 });
  });

  it('have a wider end after a void sample', () => {
    const { windows } = run('offvo');
    expect(windows[0]?.end).toEqual(bracket(3000, 4000, 5020));
    expect(windows[0]?.duration).toEqual({ min: 0.995, estimate: 2.5, max: 3.02 });
  });

  it('continue over a gap, which does not count', () => {
    const { windows, gaps } = run('off......ffo');
    expect(windows).toHaveLength(1);
    expect(gaps).toEqual([[4000, 10_000]]);
    expect(windows[0]?.duration.min).toBeCloseTo(2.995, 9);
    expect(windows[0]?.duration.estimate).toBeCloseTo(4, 9);
    expect(windows[0]?.duration.max).toBeCloseTo(5.02, 9);
  });

  it('are degraded for slow samples, until a failure', () => {
    const { windows } = run('ossfso');
    expect(windows.map(({ kind, start, end }) => ({ kind, start: start.estimate, end: end?.estimate }))).toEqual([
      { kind: 'degraded', start: 1500, end: 3500 },
      { kind: 'down', start: 3500, end: 4500 },
      { kind: 'degraded', start: 4500, end: 5500 },
    ]);
  });

  it('are never down for slow samples', () => {
    const { windows } = run('osssssso');
    expect(windows.map((one) => one.kind)).toEqual(['degraded']);
  });

  it('are reported up to now while open', () => {
    const { track } = run('off');
    expect(openWindowOf(track, 3500)).toMatchObject({ end: null, duration: { min: 0.995, estimate: 2, max: 2.5 } });
    // The sample sent at 3 s is valid until 4.5 s.
    expect(openWindowOf(track, 6000)?.duration).toEqual({ min: 0.995, estimate: 2.5, max: 3 });
  });

  it('start at a delete request that failed, as ACTIVE proved the service up before', () => {
    const place = { seq: 1, at: 2000 };
    const failed = failedSample(place, { took: 9000, kind: 'delete-timeout' });
    if (failed.outcome !== 'failed') throw new Error('expected a failed sample');
    const boot: Sample = { ...failed, lastKnownUpAt: 3400, failureStartedAt: 4000, settledAt: 11_000 };
    const { track } = advance(advance(beginTrack(SERIES, 0), okSample({ seq: 0, at: 1000 }, 20)).track, boot);
    expect(openWindowOf(track, 12_000)?.start).toEqual(bracket(3400, 3700, 11_000));
  });

  /** A boot at 4 s, after one that ended at 3 s. Its create request was accepted, then polls were refused. */
  const boots = { ...SERIES, probe: 'server-boot' as const, connection: '' as const };
  const bootOf = (sample: Sample): Sample => ({ ...sample, probe: 'server-boot', connection: '' });
  const failedBoot = (result: {
    at: number;
    lastKnownUpAt: number | null;
    failureStartedAt: number;
    settledAt: number;
  }): Sample => {
    const sample = failedSample({ seq: 1, at: result.at });
    if (sample.outcome !== 'failed') throw new Error('expected a failed sample');
    return bootOf({ ...sample, ...result });
  };
  const goodBoot = (lastKnownUpAt: number): Sample => {
    const sample = okSample({ seq: 0, at: 1000 }, 1500);
    if (sample.outcome !== 'ok') throw new Error('expected an ok sample');
    return bootOf({ ...sample, lastKnownUpAt });
  };

  it.each([
    [
      'at the first poll that was refused, not before it was sent',
      3000,
      { at: 4000, lastKnownUpAt: 6000, failureStartedAt: 6250, settledAt: 6252 },
      bracket(6000, 6250, 6252),
    ],
    [
      'at the create request that was refused, after the end of the previous boot',
      3000,
      { at: 4000, lastKnownUpAt: 2900, failureStartedAt: 4000, settledAt: 4002 },
      bracket(3000, 4000, 4002),
    ],
    [
      'after the last proof of up before it, not after an earlier boot that succeeded later',
      13_000,
      { at: 4000, lastKnownUpAt: 3800, failureStartedAt: 4000, settledAt: 4002 },
      bracket(3800, 4000, 4002),
    ],
  ])('of boots start %s', (_what, lastKnownUpAt, failed, start) => {
    const { track } = advance(
      advance(beginTrack(boots, 0, 'by-stages'), goodBoot(lastKnownUpAt)).track,
      failedBoot(failed),
    );
    expect(openWindowOf(track, 20_000)?.start).toEqual(start);
  });

  it('of boots are observed for as long as a boot takes', () => {
    const failed = failedBoot({ at: 4000, lastKnownUpAt: null, failureStartedAt: 4000, settledAt: 9000 });
    const boot = advance(advance(beginTrack(boots, 0, 'by-stages'), goodBoot(3000)).track, failed).track;
    const throttled = advance(boot, bootOf(voidSample({ seq: 2, at: 9500 }))).track;
    expect(openWindowOf(throttled, 20_000)?.gaps.at(-1)).toEqual({ from: 9000, until: 20_000 });
  });

  it('are observed while an older request hangs and later ones are given up', () => {
    const givenUp = (seq: number, at: number): Sample => {
      const sample = voidSample({ seq, at });
      if (sample.outcome !== 'void') throw new Error('expected a void sample');
      return { ...sample, cause: { ...sample.cause, kind: 'superseded' } };
    };
    const trackOf = (samples: readonly Sample[]) =>
      samples.reduce((track, sample) => advance(track, sample).track, beginTrack(SERIES, 0));
    const slow = okSample({ seq: 0, at: 1000 }, 3000);
    expect(gapBefore(trackOf([slow]), 3900)).toEqual({ from: 2000, until: 3900 });
    expect(gapBefore(trackOf([slow, givenUp(1, 2000), givenUp(2, 3000)]), 3900)).toBeNull();
    // What was given up proves nothing once nothing valid is left.
    expect(gapBefore(trackOf([slow, givenUp(1, 6000)]), 6100)).toEqual({ from: 2000, until: 6100 });
  });
});
