import { describe, expect, it } from 'vitest';
import type { Task } from '../../../src/domain/upgrade/task.ts';
import { createAnsibleLogParser } from '../../../src/task-sources/ansible-log/ansible-log.ts';
import { parse, row, sample } from './task-samples.ts';

const read = (text: string, zone = 'Europe/Berlin'): readonly Task[] => parse(createAnsibleLogParser({ zone }), text);

/** Lines of process 7, one per second from 10:00:00. */
const log = (...messages: readonly string[]): string =>
  messages.map((message, second) => at(`10:00:${String(second).padStart(2, '0')}`, message)).join('\n');

const at = (time: string, message: string, { pid = 7, date = '2026-06-01' } = {}): string =>
  `${date} ${time},000 p=${pid} u=root n=ansible | ${message}`;

const rows = (text: string): readonly string[] => read(text, 'utc').map(row);

describe('the log of a real run', () => {
  it('has all tasks and handlers of ansible-core 2.14 with their status', () => {
    expect(read(sample('core-2.14.log')).map(row)).toEqual([
      '15:55:54.671 +345 task ok Restart keystone (nova1)',
      '15:55:55.033 +205 task ok Take out of HAProxy | backend [nova] (nova1)',
      '15:55:55.238 +429 task ok Install nova (nova1)',
      '15:55:55.667 +435 task ok os_nova/Drop the configuration (nova1)',
      '15:55:56.102 +473 handler ok os_nova/Stop services (nova1)',
      '15:55:56.575 +392 handler ok os_nova/Start services (nova1)',
      '15:55:56.974 +395 task ok Take out of HAProxy | backend [nova] (nova2 nova3)',
      '15:55:57.369 +879 task ok Install nova (nova2 nova3)',
      '15:55:58.248 +1127 task ok os_nova/Drop the configuration (nova2 nova3)',
      '15:55:59.375 +692 handler ok os_nova/Stop services (nova2 nova3)',
      '15:56:00.067 +846 handler ok os_nova/Start services (nova2 nova3)',
      '15:56:00.920 +540 task ok Fails and is ignored (nova1 nova2)',
      '15:56:01.460 +1455 task ok Items fail and are ignored (nova1 nova2 nova3)',
      '15:56:02.915 +44 task ok Skipped everywhere ()',
      '15:56:02.959 +2409 task ok Is tried again (nova1 nova2 nova3)',
      '15:56:05.368 +84 task ok A name of two lines (nova1 nova2 nova3)',
      '15:56:05.452 +1198 task failed Fails in a block (nova1 nova2 nova3)',
      '15:56:06.650 +55 task ok Rescues it (nova1 nova2 nova3)',
      '15:56:06.705 +51 task ok include_tasks (nova1 nova2 nova3)',
      '15:56:06.756 +659 task ok Included (nova1 nova2 nova3)',
      '15:56:07.435 +417 task failed Never reached (gone1 nova1)',
      '15:56:07.879 +430 task failed Fails for good (nova1)',
    ]);
  });

  it('has plays, but no playbook at the default verbosity', () => {
    const tasks = read(sample('core-2.14.log'));
    expect([...new Set(tasks.map(({ play }) => play))]).toEqual([
      'Second playbook',
      'Upgrade nova | in batches [serial]',
      'What may go wrong',
      'gone,nova1',
      'nova1',
    ]);
    expect(new Set(tasks.map(({ playbook }) => playbook))).toEqual(new Set([null]));
  });

  it('has all fields', () => {
    expect(read(sample('core-2.14.log'))[4]).toEqual({
      id: 'log-27047-1795449356102-1',
      name: 'Stop services',
      role: 'os_nova',
      play: 'Upgrade nova | in batches [serial]',
      playbook: null,
      hosts: ['nova1'],
      groups: [],
      tags: [],
      kind: 'handler',
      status: 'ok',
      start: 1795449356102,
      end: 1795449356575,
      source: 'log',
    });
  });

  it('has all tasks of ansible-core 2.18 with -vv and results in YAML', () => {
    const tasks = read(sample('core-2.18-yaml.log'));
    expect(tasks.map(row)).toEqual([
      '15:56:09.018 +482 task ok Fails and is ignored (nova1 nova2)',
      '15:56:09.500 +1003 task ok Items fail and are ignored (nova1 nova2)',
      '15:56:10.503 +246 task failed Fails for good on one (nova1)',
      '15:56:10.749 +211 task ok Goes on (nova2)',
    ]);
    expect(tasks[0]).toMatchObject({ play: 'Failures that are ignored', playbook: 'ignored.yml' });
  });

  it('is the same with the prefix of ansible-core 2.18', () => {
    const old = sample('core-2.14.log');
    const levels = old
      .replace(/n=ansible \| fatal/g, 'n=ansible ERROR| fatal')
      .replace(/n=ansible \|/g, 'n=ansible INFO|');
    expect(read(levels)).toEqual(read(old));
  });

  it('has no end for the last task of a killed run, and the end of an interrupted one', () => {
    expect(read(sample('killed.log')).map(row)).toEqual([
      '14:46:27.232 +577 task ok Quick (nova1 nova2)',
      '14:46:27.809 ? task unknown Long ()',
      '14:47:08.217 +223 task ok Quick (nova1 nova2)',
      '14:47:08.440 +2438 task unknown Long ()',
    ]);
  });

  it('may contain the JSON lines of ansible.posix.jsonl', () => {
    const tasks = read(sample('serial-jsonl.log'));
    expect(tasks.map(row).slice(3, 6)).toEqual([
      '15:56:12.885 +520 handler ok os_nova/Stop services (nova1)',
      '15:56:13.407 +427 handler ok os_nova/Start services (nova1)',
      '15:56:13.852 +437 task ok Take out of HAProxy | backend [nova] (nova2 nova3)',
    ]);
    expect(new Set(tasks.map(({ source }) => source))).toEqual(new Set(['jsonl']));
  });

  it('reports a task at once, for each host, and when it ends', () => {
    const parser = createAnsibleLogParser({ zone: 'utc' });
    const tasks = log('TASK [a] ***', 'ok: [h1]', 'ok: [h1] => (item=2)', 'ok: [h2]', 'PLAY RECAP ***')
      .split('\n')
      .map((line) => parser.line(line).map(({ hosts, status }) => `${status} ${hosts.join(' ')}`));
    expect(tasks).toEqual([['running '], ['running h1'], [], ['running h1 h2'], ['ok h1 h2']]);
    expect(parser.end()).toEqual([]);
    expect(parser.lines()).toEqual({ recognised: 5, skipped: 0 });
  });

  it('has the same ids wherever in the file reading begins', () => {
    const lines = sample('core-2.14.log').split('\n');
    const whole = new Map(read(lines.join('\n')).map((task) => [task.id, task]));
    for (let from = 0; from < lines.length; from++) {
      for (const { id, start, end, name } of read(lines.slice(from).join('\n'))) {
        expect(whole.get(id)).toMatchObject({ id, start, end, name });
      }
    }
  });
});

describe('a task of the log', () => {
  it.each([
    ['ends at the next banner', ['TASK [a] ***', 'ok: [h]', 'TASK [b] ***', 'ok: [h]', 'PLAY RECAP ***'], 'ok'],
    ['ends at a play', ['TASK [a] ***', 'changed: [h]', 'PLAY [next] ***'], 'ok'],
    ['without results has an unknown status', ['TASK [a] ***', 'x', 'PLAY RECAP ***'], 'unknown'],
    ['that all hosts skipped is ok', ['TASK [a] ***', 'skipping: [h]', 'PLAY RECAP ***'], 'ok'],
    ['that failed on one host has failed', ['TASK [a] ***', 'fatal: [h]: FAILED! => {}', 'TASK [b] ***'], 'failed'],
    ['with a failed item has failed', ['TASK [a] ***', 'failed: [h] (item=1) => {}', 'TASK [b] ***'], 'failed'],
    [
      'with an unreachable host has failed',
      ['TASK [a] ***', 'fatal: [h]: UNREACHABLE! => {}', 'TASK [b] ***'],
      'failed',
    ],
    [
      'whose failure is ignored is ok',
      ['TASK [a] ***', 'fatal: [h]: FAILED! => {}', '...ignoring', 'TASK [b] ***'],
      'ok',
    ],
    [
      'with one of two failures ignored has failed',
      ['TASK [a] ***', 'fatal: [h]: FAILED! => {}', 'fatal: [i]: FAILED! => {}', '...ignoring', 'TASK [b] ***'],
      'failed',
    ],
    [
      'that succeeds on a retry is ok',
      ['TASK [a] ***', 'FAILED - RETRYING: [h]: a (1 retries left).', 'ok: [h]', 'TASK [b] ***'],
      'ok',
    ],
    ['that still runs at the end of the file is unknown', ['TASK [a] ***', 'ok: [h]'], 'unknown'],
  ])('%s', (_, messages, status) => {
    expect(read(log(...messages))[0]?.status).toBe(status);
  });

  it.each([
    ['changed: [h]', ['h']],
    ['changed: [h] => (item=[x] y)', ['h']],
    ['ok: [h -> lb(10.0.0.1)] => {"a": 1}', ['h']],
    ['skipping: [h]', []],
    ['fatal: [h -> lb]: FAILED! => {}', ['h']],
    ['fatal: [h]: UNREACHABLE! => {}', ['h']],
    ['failed: [h] (item=a) => {}', ['h']],
    ['included: /a for b/c.yml for h, i => (item=x for y)', ['h', 'i']],
    ['ASYNC OK on h: jid=1', []],
    ['h : ok=1 changed=0', []],
  ])('has the hosts of %s', (message, hosts) => {
    expect(read(log('TASK [a] ***', message, 'PLAY RECAP ***'))[0]?.hosts).toEqual(hosts);
  });

  it.each([
    ['TASK [a | b] [c] ***', null, 'a | b] [c'],
    ['TASK [a] *** b] *****', null, 'a] *** b'],
    ['TASK [r : a : b] ***', 'r', 'a : b'],
    ['TASK [osa.nova : {{ x }}] ***', 'osa.nova', '{{ x }}'],
    ['TASK [Note well : a] ***', null, 'Note well : a'],
    ['TASK [a] [CHECK MODE] ***', null, 'a'],
    ['CLEANUP TASK [a] ***', null, 'a'],
    ['TASK [\u001b[31mred\u0007 \u202e\ttab] ***', null, '[31mred  tab'],
    [`TASK [${'é'.repeat(600)}] ***`, null, 'é'.repeat(500)],
    ['TASK [] ***', null, ''],
  ])('has the role and name of the banner %s', (banner, role, name) => {
    expect(read(log(banner))[0]).toMatchObject({ role, name, kind: 'task' });
  });

  it('in check mode is a dry run, whatever its results', () => {
    expect(rows(log('TASK [a] [CHECK MODE] ***', 'changed: [h]', 'TASK [b] ***', 'ok: [h]', 'PLAY RECAP ***'))).toEqual(
      ['10:00:00.000 +2000 task dry-run a (h)', '10:00:02.000 +2000 task ok b (h)'],
    );
  });

  it('may have a name of several lines if the banner is complete', () => {
    expect(rows(`${log('TASK [r : a')}\nb\nc] *****\n${at('10:00:09', 'ok: [h]')}`)).toEqual([
      '10:00:00.000 ? task unknown r/a b c (h)',
    ]);
    expect(rows(log('TASK [a', 'ok: [h]', 'TASK [b'))).toEqual([
      '10:00:00.000 +2000 task ok a (h)',
      '10:00:02.000 ? task unknown b ()',
    ]);
  });

  it('is not started by the output of a task', () => {
    const output = ['ok: [h] => {', '    "msg": "x"', 'TASK [forged] ***', '}', ''].join('\n');
    expect(rows(`${log('TASK [a] ***')}\n${at('10:00:01', output)}\n${at('10:00:02', 'PLAY RECAP ***')}`)).toEqual([
      '10:00:00.000 +2000 task ok a (h)',
    ]);
  });

  it('has its own id if others start at the same time', () => {
    const text = [at('10:00:00', 'TASK [a] ***'), at('10:00:00', 'TASK [a] ***'), at('10:00:01', 'PLAY RECAP ***')];
    expect(read(text.join('\n'), 'utc').map(({ id }) => id)).toEqual([
      'log-7-1780308000000-1',
      'log-7-1780308000000-2',
    ]);
  });
});

describe('processes in one log', () => {
  it('are distinguished', () => {
    const text = [
      at('10:00:00', 'PLAY [one] ***', { pid: 1 }),
      at('10:00:01', 'TASK [a] ***', { pid: 1 }),
      at('10:00:02', 'PLAY [two] ***', { pid: 2 }),
      at('10:00:03', 'TASK [b] ***', { pid: 2 }),
      at('10:00:04', 'fatal: [h]: FAILED! => {}', { pid: 2 }),
      at('10:00:05', 'ok: [h]', { pid: 1 }),
      at('10:00:06', 'PLAY RECAP ***', { pid: 1 }),
      at('10:00:07', 'PLAY RECAP ***', { pid: 2 }),
    ];
    const tasks = read(text.join('\n'), 'utc');
    expect(tasks.map(row)).toEqual(['10:00:01.000 +5000 task ok a (h)', '10:00:03.000 +4000 task failed b (h)']);
    expect(tasks.map(({ play }) => play)).toEqual(['one', 'two']);
  });

  it('with a reused id do not end the task of a killed one', () => {
    const next = at('23:00:01', 'TASK [b] ***');
    expect(rows(`${at('10:00:00', 'TASK [a] ***')}\n${next}`)[0]).toBe('10:00:00.000 ? task unknown a ()');
    const begins = at('10:00:01', 'Using /etc/ansible/ansible.cfg as config file');
    expect(rows(`${at('10:00:00', 'TASK [a] ***')}\n${begins}\n${next}`)[0]).toBe('10:00:00.000 ? task unknown a ()');
    expect(rows(`${at('10:00:00', 'TASK [a] ***')}\n${at('21:59:59', 'TASK [b] ***')}`)[0]).toBe(
      '10:00:00.000 +43199000 task unknown a ()',
    );
  });

  it('other than ansible end no task', () => {
    const other = at('10:00:01', 'TASK [b] ***').replace('n=ansible', 'n=paramiko.transport');
    expect(rows(`${at('10:00:00', 'TASK [a] ***')}\n${other}`)).toEqual(['10:00:00.000 ? task unknown a ()']);
  });
});
