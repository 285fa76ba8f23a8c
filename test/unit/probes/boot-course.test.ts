import { describe, expect, it } from 'vitest';
import type { Server } from '../../../src/openstack/compute/server-body.ts';
import type { Result } from '../../../src/openstack/result.ts';
import { createBootCourse, createUsualSpells, stageOf, type UsualSpells } from '../../../src/probes/boot-course.ts';

const server = (given: Partial<Server> = {}): Server => ({
  ...{
    id: 'id',
    name: 'name',
    status: 'BUILD',
    task: 'scheduling',
    metadata: {},
    fault: null,
    created: null,
    zone: '',
  },
  ...given,
});

const STAGES: Readonly<Record<string, Server>> = {
  s: server(),
  n: server({ task: 'networking', zone: 'nova' }),
  p: server({ task: 'spawning', zone: 'nova' }),
  E: server({ status: 'ERROR', task: null, zone: 'nova' }),
};

const timing = (at: number, took = 10) => ({ stages: {}, requestId: null, sentAt: at, settledAt: at + took });

/** s, n, p, E: the stage that a look shows; x: refused; h: hung for 10 s; v: void; -: not there. */
function resultOf(letter: string, at: number): Result<Server | null> {
  const cause = { service: 'nova-api', message: '' } as const;
  if (letter === 'x')
    return { ...timing(at), type: 'failed', cause: { ...cause, kind: 'connection-refused' }, hung: false };
  if (letter === 'h')
    return { ...timing(at, 10_000), type: 'failed', cause: { ...cause, kind: 'response-timeout' }, hung: true };
  if (letter === 'v') return { ...timing(at), type: 'void', cause: { ...cause, kind: 'throttled' } };
  return { ...timing(at), type: 'ok', value: STAGES[letter] ?? null };
}

const learnt = (): UsualSpells => {
  const usual = createUsualSpells();
  usual.learn([
    { stage: 'scheduling', millis: 500 },
    { stage: 'networking', millis: 700 },
    { stage: 'spawning', millis: 600 },
  ]);
  return usual;
};

/** A look every 250 ms from 500 on, of a create that was sent at 0 and accepted at 300. */
function courseOf(letters: string, usual = learnt()) {
  const course = createBootCourse({ sentAt: 0, acceptedAt: 300, first: 'scheduling', zoneAsked: false, usual });
  for (const [index, letter] of [...letters].entries()) {
    const sentAt = 500 + index * 250;
    course.look({ result: resultOf(letter, sentAt), sentAt, cutShort: false });
  }
  return course;
}

describe('when a boot broke', () => {
  const late = { settledAt: 15_000, hung: true };
  it.each([
    ['at the first look that is refused, up until the last that was not', 'ssxxxx', [750, 1000, 1010, false]],
    ['at the last look alone, where it is refused', 'ssnnx', [1250, 1500, 1510, false]],
    ['at the first that is refused, though the API came back', 'ssxxxsss', [750, 1000, 15_000, true]],
    ['at the first look that hangs', 'ssh', [750, 1000, 15_000, true]],
    ['at the first look that hangs, though the API came back', 'sshss', [750, 1000, 15_000, true]],
    ['in the stage where it stays, where one look alone was refused', 'ssxssss', [null, 300, 15_000, true]],
    ['in the stage where it stays', 'ssssssss', [null, 300, 15_000, true]],
    ['in the stage that it had come to last', 'ssnnppppp', [1250, 1500, 15_000, true]],
    ['where it waits for a service that may have been away before', 'ssnnnnnn', [null, 1000, 15_000, true]],
    ['before it came to ERROR', 'sspE', [750, 1000, 15_000, true]],
    [
      'at the looks that were refused, where it may have come to its last stage before',
      'ssxxxpppppp',
      [750, 1000, 15_000, true],
    ],
    [
      'at the second time that looks are refused, where it went on after the first',
      'sxxxspxxx',
      [1750, 2000, 2010, false],
    ],
    [
      'where it was stuck for long, and not when looks were refused after that',
      'sssssssssxxx',
      [null, 300, 15_000, true],
    ],
    ['whatever void looks say', 'svsvxx', [1000, 1500, 1510, false]],
  ] as const)('%s', (_what, letters, [upUntil, brokeAt, settledAt, hung]) => {
    expect(courseOf(letters).breakPoint(late)).toEqual({ upUntil, brokeAt, settledAt, hung });
  });

  it('may be earlier than the first look that was refused, where no server was booted before', () => {
    const found = courseOf('ssxxxx', createUsualSpells()).breakPoint(late);
    expect(found).toEqual({ upUntil: null, brokeAt: 1000, settledAt: 1010, hung: false });
  });

  it('is not after the moment at which it was certain', () => {
    const ended = { settledAt: 600, hung: false };
    expect(courseOf('', learnt()).breakPoint(ended)).toEqual({
      upUntil: null,
      brokeAt: 300,
      settledAt: 600,
      hung: false,
    });
  });
});

describe('where the time of a boot went', () => {
  it.each([
    [
      'all of it where nothing was looked at',
      '',
      [
        ['accepted', 300],
        ['scheduling', 1700],
      ],
    ],
    [
      'by stage',
      'ssnn',
      [
        ['accepted', 300],
        ['scheduling', 700],
        ['networking', 1000],
      ],
    ],
    [
      'through looks that failed, where the stage is the same after them',
      'sxxs',
      [
        ['accepted', 300],
        ['scheduling', 1700],
      ],
    ],
    [
      'unseen, where it is not',
      'sxxn',
      [
        ['accepted', 300],
        ['scheduling', 200],
        ['unseen', 750],
        ['networking', 750],
      ],
    ],
    [
      'unseen, where none was answered any more',
      'sxxx',
      [
        ['accepted', 300],
        ['scheduling', 200],
        ['unseen', 1500],
      ],
    ],
  ] as const)('%s', (_what, letters, expected) => {
    expect(
      courseOf(letters)
        .spells(2000)
        .map(({ stage, millis }) => [stage, millis]),
    ).toEqual(expected);
  });

  it('says that a host was chosen, where its zone can tell', () => {
    const chosen = server({ zone: 'nova' });
    expect([stageOf(chosen, false), stageOf(chosen, true), stageOf(server({ task: null }), false)]).toEqual([
      'scheduled',
      'scheduling',
      'BUILD',
    ]);
  });
});
