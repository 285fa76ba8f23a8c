import { describe, expect, it } from 'vitest';
import type { Server } from '../../../src/openstack/compute/server-body.ts';
import type { Result } from '../../../src/openstack/result.ts';
import {
  createBootTimeline,
  createStageBaseline,
  type StageBaseline,
  stageOf,
} from '../../../src/probes/boot-timeline.ts';

const server = (given: Partial<Server> = {}): Server => ({
  ...{
    id: 'id',
    name: 'name',
    status: 'BUILD',
    taskState: 'scheduling',
    metadata: {},
    fault: null,
    createdAt: null,
    zone: '',
  },
  ...given,
});

const STAGES: Readonly<Record<string, Server>> = {
  s: server(),
  n: server({ taskState: 'networking', zone: 'nova' }),
  p: server({ taskState: 'spawning', zone: 'nova' }),
  E: server({ status: 'ERROR', taskState: null, zone: 'nova' }),
};

const timing = (at: number, took = 10) => ({ stages: {}, requestId: null, sentAt: at, settledAt: at + took });

/** s, n, p, E: the stage that a poll shows; x: refused; h: timed out after 10 s; v: void; -: not found. */
function resultOf(letter: string, at: number): Result<Server | null> {
  const cause = { service: 'nova-api', message: '' } as const;
  if (letter === 'x')
    return { ...timing(at), type: 'failed', cause: { ...cause, kind: 'connection-refused' }, timedOut: false };
  if (letter === 'h')
    return { ...timing(at, 10_000), type: 'failed', cause: { ...cause, kind: 'response-timeout' }, timedOut: true };
  if (letter === 'v') return { ...timing(at), type: 'void', cause: { ...cause, kind: 'throttled' } };
  return { ...timing(at), type: 'ok', value: STAGES[letter] ?? null };
}

const learnedBaseline = (): StageBaseline => {
  const baseline = createStageBaseline();
  baseline.learn([
    { stage: 'scheduling', millis: 500 },
    { stage: 'networking', millis: 700 },
    { stage: 'spawning', millis: 600 },
  ]);
  return baseline;
};

/** A poll every 250 ms from 500 on, after a create sent at 0 and accepted at 300. */
function timelineOf(letters: string, baseline = learnedBaseline()) {
  const timeline = createBootTimeline({
    ...{ sentAt: 0, acceptedAt: 300, firstStage: 'scheduling', zoneRequested: false },
    baseline,
  });
  for (const [index, letter] of [...letters].entries()) {
    const sentAt = 500 + index * 250;
    timeline.recordPoll({ result: resultOf(letter, sentAt), sentAt, cutShort: false });
  }
  return timeline;
}

describe('the start of a failed boot', () => {
  const late = { settledAt: 15_000, timedOut: true };
  it.each([
    ['is the first refused poll, proven up until the poll before', 'ssxxxx', [750, 1000, 1010, false]],
    ['is the last poll if only that one is refused', 'ssnnx', [1250, 1500, 1510, false]],
    ['is the first refused poll, even if the API came back', 'ssxxxsss', [750, 1000, 15_000, true]],
    ['is the first poll that times out', 'ssh', [750, 1000, 15_000, true]],
    ['is the first poll that times out, even if the API came back', 'sshss', [750, 1000, 15_000, true]],
    ['is the start of the last stage if a single poll was refused', 'ssxssss', [null, 300, 15_000, true]],
    ['is the start of the only stage', 'ssssssss', [null, 300, 15_000, true]],
    ['is the start of the last stage, proven up until the poll before', 'ssnnppppp', [1250, 1500, 15_000, true]],
    [
      'is not proven up if the last stage waits for a service that has not started',
      'ssnnnnnn',
      [null, 1000, 15_000, true],
    ],
    ['is before ERROR', 'sspE', [750, 1000, 15_000, true]],
    [
      'is the first refused poll if the stage changed during the refused polls',
      'ssxxxpppppp',
      [750, 1000, 15_000, true],
    ],
    [
      'is the second group of refused polls if the boot made progress after the first',
      'sxxxspxxx',
      [1750, 2000, 2010, false],
    ],
    ['is the start of an overdue stage, not the refused polls after it', 'sssssssssxxx', [null, 300, 15_000, true]],
    ['ignores void polls', 'svsvxx', [1000, 1500, 1510, false]],
  ] as const)('%s', (_what, letters, [lastKnownUpAt, failureStartedAt, settledAt, timedOut]) => {
    expect(timelineOf(letters).failureStart(late)).toEqual({ lastKnownUpAt, failureStartedAt, settledAt, timedOut });
  });

  it('is not proven up before the first refused poll without a baseline', () => {
    const start = timelineOf('ssxxxx', createStageBaseline()).failureStart(late);
    expect(start).toEqual({ lastKnownUpAt: null, failureStartedAt: 1000, settledAt: 1010, timedOut: false });
  });

  it('is not after the failure settled', () => {
    const ended = { settledAt: 600, timedOut: false };
    expect(timelineOf('', learnedBaseline()).failureStart(ended)).toEqual({
      lastKnownUpAt: null,
      failureStartedAt: 300,
      settledAt: 600,
      timedOut: false,
    });
  });
});

describe('the stage times of a boot', () => {
  it.each([
    [
      'are all in the first stage without a poll',
      '',
      [
        ['accepted', 300],
        ['scheduling', 1700],
      ],
    ],
    [
      'are split by stage',
      'ssnn',
      [
        ['accepted', 300],
        ['scheduling', 700],
        ['networking', 1000],
      ],
    ],
    [
      'include failed polls if the stage is the same after them',
      'sxxs',
      [
        ['accepted', 300],
        ['scheduling', 1700],
      ],
    ],
    [
      'are unobserved between failed polls if the stage is different after them',
      'sxxn',
      [
        ['accepted', 300],
        ['scheduling', 200],
        ['unobserved', 750],
        ['networking', 750],
      ],
    ],
    [
      'are unobserved after the last answered poll',
      'sxxx',
      [
        ['accepted', 300],
        ['scheduling', 200],
        ['unobserved', 1500],
      ],
    ],
  ] as const)('%s', (_what, letters, expected) => {
    expect(
      timelineOf(letters)
        .stageTimes(2000)
        .map(({ stage, millis }) => [stage, millis]),
    ).toEqual(expected);
  });

  it('show that a host was chosen, unless a zone was requested', () => {
    const chosen = server({ zone: 'nova' });
    expect([stageOf(chosen, false), stageOf(chosen, true), stageOf(server({ taskState: null }), false)]).toEqual([
      'scheduled',
      'scheduling',
      'BUILD',
    ]);
  });
});
