/** Logs from the field that were once misread. Comments have the times that a task logged itself. */

import { describe, expect, it } from 'vitest';
import { createAnsibleLogParser } from '../../../src/task-sources/ansible-log/ansible-log.ts';
import { parse, row, sample } from './task-samples.ts';

function read(text: string) {
  const parser = createAnsibleLogParser({ zone: 'utc' });
  const tasks = parse(parser, text);
  return { rows: tasks.map(row), notes: parser.notes(), tasks };
}

const LATE = [expect.stringContaining('printed task banners only with the first result')];

describe('a log with late banners', () => {
  it('starts a task when the one before it ended (display_skipped_hosts = no)', () => {
    const { rows, notes } = read(sample('banner-late-skipped-hidden-2.21.log'));
    expect(rows).toEqual([
      '18:01:18.820 +9054 task ok Pull images (a)',
      '18:01:27.874 +14153 task ok Stop services (a)',
      '18:01:42.027 +14122 task ok Start services (a)',
      '18:01:56.149 +3707 task ok After (a)',
    ]);
    expect(notes).toEqual(LATE);
  });

  it('is recognised with ansible-core 2.14', () => {
    expect(read(sample('banner-late-skipped-hidden-2.14.log')).rows).toEqual([
      '17:58:35.884 +3605 task ok Prepare (a)',
      '17:58:39.489 +4576 task ok Stop services (a)',
      '17:58:44.065 +3252 task ok Start services (a)',
      '17:58:47.317 +2348 task ok After (a)',
    ]);
  });

  it('is recognised with the strategies free and host_pinned', () => {
    const { rows, notes } = read(sample('banner-late-free.log'));
    expect(rows).toEqual([
      '18:00:16.587 +3956 task ok Prepare (a b)',
      // its own log: 18:00:21.58 to 18:00:25.59
      '18:00:20.543 +5480 task ok Stop services (a b)',
      '18:00:26.023 +4180 task ok Start services (a b)',
    ]);
    expect(notes).toEqual(LATE);
    expect(read(sample('banner-late-host-pinned.log')).rows[1]).toBe('18:00:42.209 +5867 task ok Stop services (a b)');
  });

  it('starts a task after the host’s own last task if hosts proceed independently', () => {
    const { rows } = read(
      [
        ['00', 'PLAY [free] ***'],
        ['04', 'TASK [Prepare] ***'],
        ['04', 'ok: [b]'],
        ['09', 'TASK [Stop] ***'],
        ['09', 'ok: [b]'],
        ['14', 'TASK [Prepare] ***'],
        ['14', 'ok: [a]'],
        ['19', 'TASK [Stop] ***'],
        ['19', 'ok: [a]'],
        ['20', 'PLAY RECAP ***'],
      ]
        .map(([second, message]) => `2026-06-01 10:00:${second},000 p=7 u=root n=ansible | ${message}`)
        .join('\n'),
    );
    expect(rows).toEqual([
      '10:00:00.000 +4000 task ok Prepare (b)',
      '10:00:04.000 +5000 task ok Stop (b)',
      '10:00:00.000 +14000 task ok Prepare (a)',
      '10:00:14.000 +5000 task ok Stop (a)',
    ]);
  });

  it('is not confused with one whose first tasks are quick', () => {
    const { rows, notes } = read(
      [
        ['00,000', 'PLAY [x] ***'],
        ['03,000', 'TASK [Quick] ***'],
        ['03,001', 'skipping: [a]'],
        ['05,000', 'TASK [Slow] ***'],
        ['09,000', 'ok: [a]'],
        ['09,010', 'PLAY RECAP ***'],
      ]
        .map(([second, message]) => `2026-06-01 10:00:${second} p=7 u=root n=ansible | ${message}`)
        .join('\n'),
    );
    expect(rows).toEqual(['10:00:03.000 +2000 task ok Quick ()', '10:00:05.000 +4010 task ok Slow (a)']);
    expect(notes).toEqual([]);
  });
});

describe('a log with the arguments of its tasks', () => {
  it('has names without them', () => {
    const { tasks, rows } = read(sample('display-args.log'));
    expect(rows).toEqual([
      '18:03:15.376 +3571 task ok os_nova/Run nova config (a)',
      '18:03:18.947 +2913 handler ok os_nova/Stop services (a)',
      '18:03:21.860 +2581 handler ok os_nova/Start services (a)',
    ]);
    expect(JSON.stringify(tasks)).not.toContain('hunter2');
  });

  it.each([
    ['TASK [command _raw_params=echo password=x] ***', 'command'],
    ['TASK [Wait host=1.2.3.4, port=80] [CHECK MODE] ***', 'Wait'],
    ['TASK [Stop ] ***', 'Stop'],
    ['TASK [Set net.ipv4.ip_forward=1] ***', 'Set net.ipv4.ip_forward=1'],
    ['TASK [a=b] ***', 'a=b'],
    ['TASK [Run _raw_params=a\npassword=x\nb] ***', 'Run'],
    [`TASK [Run _raw_params=a\n${'x\n'.repeat(40)}password=x] ***`, 'Run'],
  ])('names the task of %j', (banner, name) => {
    const { tasks } = read(`2026-06-01 10:00:00,000 p=7 u=root n=ansible | ${banner}`);
    expect(tasks.map((one) => one.name)).toEqual([name]);
  });
});

describe('a log of another callback', () => {
  it('is read if counter_enabled, TripleO or cowsay wrote it', () => {
    expect(read(sample('counter-enabled.log')).rows).toEqual([
      '18:44:11.225 +1539 task ok Stop services (a)',
      '18:44:12.764 +2316 task ok Start services (a)',
    ]);
    expect(read(sample('tripleo.log')).rows).toEqual([
      '15:19:20.748 +13069 task ok Stop nova services (controller-1)',
      '15:19:33.817 +20183 task ok Start nova services (controller-1)',
    ]);
    expect(read(sample('cowsay.log')).rows).toEqual(['17:58:16.714 ? task unknown Prepare (a)']);
  });

  it('is read if the user name has a space', () => {
    const text = sample('counter-enabled.log').replaceAll('u=root', 'u=DOMAIN\\John Q. Public');
    expect(read(text).rows).toHaveLength(2);
  });

  it.each([
    ['compact-logger.log', 3, 'compact_logger'],
    ['unixy.log', 4, 'unixy'],
  ])('%s has no tasks, and a note says so', (name, lines, callback) => {
    const { rows, notes } = read(sample(name));
    expect(rows).toEqual([]);
    expect(notes).toEqual([
      expect.stringContaining(
        `no tasks found in ${lines} lines of Ansible's log; its stdout callback seems to be ${callback}`,
      ),
    ]);
    expect(notes[0]).toContain(callback);
  });
});
