import { describe, expect, it } from 'vitest';
import type { Task } from '../../../src/domain/upgrade/task.ts';
import { createAnsibleJsonlParser } from '../../../src/task-sources/ansible-jsonl.ts';
import { parse, row, sample } from './task-samples.ts';

const read = (text: string): readonly Task[] => parse(createAnsibleJsonlParser(), text);

const PROCESS = '0a000000-0000-1111-2222';

/** `second` counts from 10:00:00. */
const timestamp = (second: number): string => `2026-06-01T10:00:${String(second).padStart(2, '0')}.000250Z`;

const play = (second: number, { process = PROCESS, name = 'p' } = {}): string =>
  JSON.stringify({
    _event: 'v2_playbook_on_play_start',
    _timestamp: timestamp(second),
    play: { name, id: `${process}-1`, path: '/etc/ansible/site.yml:3', duration: { start: timestamp(second) } },
    tasks: [],
  });

type TaskOptions = { readonly id?: string; readonly start: number; readonly name?: string; readonly path?: string };

const task = ({ id = '2', start, name = 'a', path = '/etc/ansible/site.yml:7' }: TaskOptions, end?: number) => ({
  task: {
    id: `${PROCESS}-${id}`,
    name,
    path,
    duration: { start: timestamp(start), ...(end && { end: timestamp(end) }) },
  },
});

const started = (options: TaskOptions, event = 'v2_playbook_on_task_start'): string =>
  JSON.stringify({ _event: event, _timestamp: timestamp(options.start), hosts: {}, ...task(options) });

const result = (options: TaskOptions, end: number, how: string, host = 'h'): string =>
  JSON.stringify({
    _event: `v2_runner_on_${how}`,
    _timestamp: timestamp(end),
    hosts: { [host]: { changed: true } },
    ...task(options, end),
  });

const stats = (second: number, counts: object): string =>
  JSON.stringify({ _event: 'v2_playbook_on_stats', _timestamp: timestamp(second), stats: counts });

const rows = (...lines: readonly string[]): readonly string[] => read(lines.join('\n')).map(row);

describe('the output of a real run', () => {
  it('has the tasks and handlers of each batch', () => {
    expect(read(sample('serial.jsonl')).map(row)).toEqual([
      '15:56:11.571 +459 task ok Take out of HAProxy | backend [nova] (nova1)',
      '15:56:12.034 +569 task ok Install nova (nova1)',
      '15:56:12.605 +274 task ok os_nova/Drop the configuration (nova1)',
      '15:56:12.885 +520 handler ok os_nova/Stop services (nova1)',
      '15:56:13.407 +427 handler ok os_nova/Start services (nova1)',
      '15:56:13.852 +437 task ok Take out of HAProxy | backend [nova] (nova2 nova3)',
      '15:56:14.296 +726 task ok Install nova (nova2 nova3)',
      '15:56:15.024 +195 task ok os_nova/Drop the configuration (nova2 nova3)',
      '15:56:15.228 +721 handler ok os_nova/Stop services (nova2 nova3)',
      '15:56:15.951 +493 handler ok os_nova/Start services (nova2 nova3)',
    ]);
  });

  it('uses the final counts to find ignored failures', () => {
    expect(read(sample('ignored.jsonl')).map(row)).toEqual([
      '15:54:51.985 +312 task ok Fails and is ignored (nova1 nova2)',
      '15:54:52.299 +482 task ok Items fail and are ignored (nova1 nova2)',
      '15:54:52.784 +181 task failed Fails for good on one (nova1)',
      '15:54:52.967 +171 task ok Goes on (nova2)',
    ]);
  });

  it('is the same after the prefix of the log', () => {
    const bare = sample('serial-jsonl.log').replace(/^.*? \| /gm, '');
    expect(read(bare)).toEqual(read(sample('serial.jsonl')));
  });

  it('has the same ids, starts and ends wherever reading begins', () => {
    const lines = sample('serial.jsonl').split('\n');
    const whole = new Map(read(lines.join('\n')).map((one) => [one.id, one]));
    for (let from = 0; from < lines.length; from++) {
      for (const { id, start, end, kind, name } of read(lines.slice(from).join('\n'))) {
        expect(whole.get(id)).toMatchObject({ id, start, end, kind, name });
      }
    }
  });
});

describe('a task of ansible.posix.jsonl', () => {
  it('has all fields', () => {
    expect(
      read([play(0), started({ start: 1, name: 'r : a' }), result({ start: 1 }, 2, 'ok'), stats(4, {})].join('\n')),
    ).toEqual([
      {
        id: 'jsonl-0a000000-0000-1111-2222-2-1780308001000',
        name: 'a',
        role: 'r',
        play: 'p',
        playbook: 'site.yml',
        hosts: ['h'],
        groups: [],
        tags: [],
        kind: 'task',
        status: 'ok',
        start: 1780308001000.25,
        end: 1780308002000.25,
        source: 'jsonl',
      },
    ]);
  });

  const first = { start: 1 };
  const next = started({ id: '3', start: 5 });
  it.each([
    ['ends with its last host', [result(first, 2, 'ok'), result(first, 4, 'ok', 'i'), next], '+3000 task ok a (h i)'],
    ['without a result ends when the next starts', [next], '+4000 task unknown a ()'],
    ['without a result ends when the run ends', [stats(9, {})], '+8000 task unknown a ()'],
    ['that all hosts skipped is ok', [result(first, 2, 'skipped'), next], '+1000 task ok a ()'],
    ['that failed has failed', [result(first, 2, 'failed'), next], '+1000 task failed a (h)'],
    ['with an unreachable host has failed', [result(first, 2, 'unreachable'), next], '+1000 task failed a (h)'],
    ['that still runs at the end has no end', [result(first, 2, 'ok')], '? task unknown a (h)'],
    ['of a run that was killed has no end', [play(9, { process: 'b-b-b-b' }), next], '? task unknown a ()'],
    [
      'is not changed by unrecognised lines',
      ['', '{', 'null', '{"_event":"x"}', '[1]', next],
      '+4000 task unknown a ()',
    ],
  ])('%s', (_, lines, tasks) => {
    expect(rows(play(0), started(first), ...lines)[0]).toBe(`10:00:01.000 ${tasks}`);
  });

  it.each([
    ['all ignored', { failures: 0, ignored: 2, rescued: 0 }, ['ok', 'ok']],
    ['the last is not ignored', { failures: 1, ignored: 1, rescued: 0 }, ['ok', 'failed']],
    ['some rescued, unknown which', { failures: 0, ignored: 1, rescued: 1 }, ['failed', 'failed']],
    ['none ignored', { failures: 0, ignored: 0, rescued: 2 }, ['failed', 'failed']],
    ['failures before reading began', { failures: 0, ignored: 3, rescued: 0 }, ['failed', 'failed']],
  ])('has failed unless its failures were ignored: %s', (_, counts, statuses) => {
    const second = { id: '3', start: 3 };
    const lines = [started(first), result(first, 2, 'failed'), started(second), result(second, 4, 'failed')];
    const tasks = read([play(0), ...lines, stats(5, { h: counts })].join('\n'));
    expect(tasks.map(({ status }) => status)).toEqual(statuses);
  });

  it('belongs to one host with the strategy free, and is a handler by its file', () => {
    const start = 'v2_runner_on_start';
    const handler = { id: '3', start: 4, name: 'r : c', path: '/etc/ansible/roles/r/handlers/main.yml:1' };
    expect(
      rows(
        play(0),
        started({ start: 1 }, start),
        started({ start: 2 }, start),
        result({ start: 2 }, 3, 'ok', 'i'),
        started(handler, start),
        result({ start: 1 }, 5, 'failed', 'h'),
        result(handler, 6, 'ok', 'i'),
        stats(7, {}),
      ),
    ).toEqual([
      '10:00:01.000 +4000 task failed a (h)',
      '10:00:02.000 +1000 task ok a (i)',
      '10:00:04.000 +2000 handler ok r/c (i)',
    ]);
  });

  it('has no control characters in its name', () => {
    const [tasks] = read(started({ start: 1, name: `\u001b]0;x\u0007${'y'.repeat(600)}` }));
    expect(tasks?.name).toBe(`]0;x${'y'.repeat(496)}`);
  });

  it('counts unrecognised lines', () => {
    const parser = createAnsibleJsonlParser();
    for (const line of [play(0), '[WARNING]: x', '{"a":1}', '']) parser.line(line);
    expect(parser.lines()).toEqual({ recognised: 1, skipped: 3 });
  });

  it.each(['2026-06-01T10:00:00', '2026-13-01T10:00:00Z', 'now'])(
    'is ignored with the invalid timestamp "%s"',
    (written) => {
      expect(read(started({ start: 1 }).replaceAll(timestamp(1), written))).toEqual([]);
    },
  );
});
