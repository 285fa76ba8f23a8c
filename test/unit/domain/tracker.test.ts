import { describe, expect, it } from 'vitest';
import { advance, beginTrack, openWindowOf, type Track } from '../../../src/domain/downtime/tracker.ts';
import type { DowntimeWindow } from '../../../src/domain/downtime/window.ts';
import type { Sample } from '../../../src/domain/sample.ts';
import { failedSample, okSample, SERIES, voidSample } from '../../support/samples.ts';

/**
 * One letter a second: o ok, l ok after 0.9 s, f failed at once, r reset after 0.8 s, p a proxy's 502 after 0.8 s,
 * t cut off within the answer after 0.8 s, h hung for 10 s, s ok after 3 s, v void, . nothing was sent.
 * The session begins at 0, the first letter is sent at 1 s.
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
    if (letter === 'h') return [failedSample(place, { took: 10_000, hung: true, kind: 'response-timeout' })];
    if (letter === 's') return [okSample(place, 3000)];
    if (letter === 'v') return [voidSample(place, 10)];
    return [];
  });
}

function run(letters: string): { windows: readonly DowntimeWindow[]; gaps: readonly number[][]; track: Track } {
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
  it('opens at the first failed sample after an ok one and closes at the next ok one', () => {
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
    ['by the first that was cut off, where the next fails sooner', 'otfo', bracket(1000, 2800, 2800)],
    ['midway, where all are cut off like that', 'otttto', bracket(1000, 1500, 2800)],
    ['midway, where only a later one was cut off', 'oftfo', bracket(1000, 1500, 2005)],
    ['midway, where nothing came after it', 'oto', bracket(1000, 1500, 2800)],
    ['midway, where the next hangs', 'othfo', bracket(1000, 1500, 2800)],
    ['midway, where the first was reset, even if answers take as long', 'lllllrfo', bracket(5000, 5500, 6800)],
    ['midway, where no answer was seen before', 'rfo', bracket(0, 500, 1800)],
    ['midway and unbounded, where few answers were seen before', 'ooorfo', bracket(3000, 3500, 4800)],
    ['by the sending of a request that waited in the queue', 'ooooorfo', bracket(5000, 5500, 6060)],
    ['the same, where a proxy sent it', 'ooooopfo', bracket(5000, 5500, 6060)],
    ['the same, where more of them waited', 'ooooorrrfo', bracket(5000, 5500, 6060)],
    ['the same, where the first of them was void', 'ooooovrfo', bracket(5000, 6000, 7060)],
    ['wide, where one answer was slower than the wait', 'oooolrfo', bracket(5000, 5500, 6800)],
  ])('has its start %s', (_what, letters, start) => {
    expect(run(letters).windows[0]?.start).toEqual(start);
  });

  it.each([
    ['when the first was reset, where the next fails sooner', 'oooorfo', 5800],
    ['when the first answer was cut off, where the next fails sooner', 'ooootfo', 5800],
    ['at an unknown moment, where all are reset like that', 'oooorrrro', null],
    ['at an unknown moment, where only a later one was reset', 'oooofrfo', null],
    ['at an unknown moment, where the first was refused', 'ooooffo', null],
  ])('has the service gone %s', (_what, letters, goneBy) => {
    expect(run(letters).windows[0]?.goneBy).toBe(goneBy);
  });

  it('begins with the session when the first sample fails', () => {
    expect(run('fo').windows[0]).toMatchObject({ start: bracket(0, 500, 1005), end: bracket(1000, 1500, 2020) });
  });

  it('has a minimum of nothing when one sample alone failed', () => {
    expect(run('ofo').windows[0]?.duration).toEqual({ min: 0, estimate: 1, max: 2.02 });
  });

  it('does not split when the kind of failure changes', () => {
    const { windows } = run('offho');
    expect(windows).toHaveLength(1);
    expect(windows[0]?.causes).toEqual([
      { kind: 'connection-refused', service: 'nova-api', count: 2 },
      { kind: 'response-timeout', service: 'nova-api', count: 1 },
    ]);
  });

  it('bounds the start of a hang by the time in which the service usually answers', () => {
    expect(run('ooho').windows[0]?.start).toEqual(bracket(2000, 2500, 3020));
  });

  it('bounds the start of a hang by nothing but the wait where no usual time is known', () => {
    expect(run('ho').windows[0]?.start).toEqual(bracket(0, 500, 11_000));
  });

  it('bounds the start by the earliest failure that was certain', () => {
    expect(run('hfo').windows[0]?.start).toEqual(bracket(0, 500, 2005));
  });

  it('lets a void sample widen the start and counts it neither up nor down', () => {
    const { windows, gaps } = run('ovfo');
    expect(windows[0]).toMatchObject({ start: bracket(1000, 2000, 3005), end: bracket(3000, 3500, 4020) });
    expect(gaps).toEqual([[2000, 3000]]);
    expect(windows[0]?.duration).toEqual({ min: 0, estimate: 0.5, max: 3.02 });
  });

  it('lets a void sample widen the end', () => {
    const { windows } = run('offvo');
    expect(windows[0]?.end).toEqual(bracket(3000, 4000, 5020));
    expect(windows[0]?.duration).toEqual({ min: 0.995, estimate: 2.5, max: 4.02 });
  });

  it('goes on over a gap, which then counts for the maximum alone', () => {
    const { windows, gaps } = run('off......ffo');
    expect(windows).toHaveLength(1);
    expect(gaps).toEqual([[4000, 10_000]]);
    expect(windows[0]?.duration.min).toBeCloseTo(2.995, 9);
    expect(windows[0]?.duration.estimate).toBeCloseTo(4, 9);
    expect(windows[0]?.duration.max).toBeCloseTo(11.02, 9);
  });

  it('joins slow samples into a degraded window, and a failure ends it', () => {
    const { windows } = run('ossfso');
    expect(windows.map(({ kind, start, end }) => ({ kind, start: start.estimate, end: end?.estimate }))).toEqual([
      { kind: 'degraded', start: 1500, end: 3500 },
      { kind: 'down', start: 3500, end: 4500 },
      { kind: 'degraded', start: 4500, end: 5500 },
    ]);
  });

  it('never calls slow samples down', () => {
    const { windows } = run('osssssso');
    expect(windows.map((one) => one.kind)).toEqual(['degraded']);
  });

  it('says of an open window what is known up to now', () => {
    const { track } = run('off');
    expect(openWindowOf(track, 3500)).toMatchObject({ end: null, duration: { min: 0.995, estimate: 2, max: 2.5 } });
    // From 4.5 s on the sample sent at 3 s stands for nothing any more.
    expect(openWindowOf(track, 6000)?.duration).toEqual({ min: 0.995, estimate: 2.5, max: 5 });
  });

  it('takes a delete that failed for down from the delete on, as ACTIVE proved the service up before', () => {
    const place = { seq: 1, at: 2000 };
    const failed = failedSample(place, { took: 9000, kind: 'delete-timeout' });
    if (failed.outcome !== 'failed') throw new Error('a failed sample');
    const boot: Sample = { ...failed, upUntil: 3400, brokeAt: 4000, settledAt: 11_000 };
    const { track } = advance(advance(beginTrack(SERIES, 0), okSample({ seq: 0, at: 1000 }, 20)).track, boot);
    expect(openWindowOf(track, 12_000)?.start).toEqual(bracket(3400, 3700, 11_000));
  });

  /** A boot that is sent at 4 s, after one that had gone at 3 s; its create was accepted, and then looks were refused. */
  const boots = { ...SERIES, probe: 'server-boot' as const, connection: '' as const };
  const bootOf = (sample: Sample): Sample => ({ ...sample, probe: 'server-boot', connection: '' });
  const failedBoot = (found: { at: number; upUntil: number | null; brokeAt: number; settledAt: number }): Sample => {
    const sample = failedSample({ seq: 1, at: found.at });
    if (sample.outcome !== 'failed') throw new Error('a failed sample');
    return bootOf({ ...sample, ...found });
  };
  const goodBoot = (upUntil: number): Sample => {
    const sample = okSample({ seq: 0, at: 1000 }, 1500);
    if (sample.outcome !== 'ok') throw new Error('an ok sample');
    return bootOf({ ...sample, upUntil });
  };

  it.each([
    [
      'at the first look that was refused, not before it was sent',
      3000,
      { at: 4000, upUntil: 6000, brokeAt: 6250, settledAt: 6252 },
      bracket(6000, 6250, 6252),
    ],
    [
      'at the create that was refused, since the boot before had gone',
      3000,
      { at: 4000, upUntil: 2900, brokeAt: 4000, settledAt: 4002 },
      bracket(3000, 4000, 4002),
    ],
    [
      'after the last answer to an earlier boot that went well in the end',
      13_000,
      { at: 4000, upUntil: 3800, brokeAt: 4000, settledAt: 4002 },
      bracket(3800, 4000, 4002),
    ],
  ])('takes boots for down %s', (_what, upUntil, failed, start) => {
    const { track } = advance(advance(beginTrack(boots, 0), goodBoot(upUntil)).track, failedBoot(failed));
    expect(openWindowOf(track, 20_000)?.start).toEqual(start);
  });
});
