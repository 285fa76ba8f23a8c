import { describe, expect, it } from 'vitest';
import type { Task } from '../../../src/domain/upgrade/task.ts';
import { createAnsibleLogParser } from '../../../src/task-sources/ansible-log/ansible-log.ts';
import { parse, row, sample } from './told.ts';

const read = (text: string, zone = 'Europe/Berlin'): readonly Task[] => parse(createAnsibleLogParser({ zone }), text);

/** Lines of process 7, a second apart from 10:00:00 on. */
const log = (...messages: readonly string[]): string =>
  messages.map((message, second) => at(`10:00:${String(second).padStart(2, '0')}`, message)).join('\n');

const at = (time: string, message: string, { pid = 7, date = '2026-06-01' } = {}): string =>
  `${date} ${time},000 p=${pid} u=root n=ansible | ${message}`;

const rows = (text: string): readonly string[] => read(text, 'utc').map(row);

describe('the log of a real run', () => {
  it('tells all tasks and handlers of ansible-core 2.14, with what became of them', () => {
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

  it('tells plays, and no playbook at the default verbosity', () => {
    const told = read(sample('core-2.14.log'));
    expect([...new Set(told.map(({ play }) => play))]).toEqual([
      'Second playbook',
      'Upgrade nova | in batches [serial]',
      'What may go wrong',
      'gone,nova1',
      'nova1',
    ]);
    expect(new Set(told.map(({ playbook }) => playbook))).toEqual(new Set([null]));
  });

  it('gives a whole record', () => {
    expect(read(sample('core-2.14.log'))[4]).toEqual({
      id: 'log-27047-1795449356102-1',
      name: 'Stop services',
      role: 'os_nova',
      play: 'Upgrade nova | in batches [serial]',
      playbook: null,
      hosts: ['nova1'],
      tags: [],
      kind: 'handler',
      status: 'ok',
      start: 1795449356102,
      end: 1795449356575,
      source: 'log',
    });
  });

  it('tells all of ansible-core 2.18 with -vv and results in YAML', () => {
    const told = read(sample('core-2.18-yaml.log'));
    expect(told.map(row)).toEqual([
      '15:56:09.018 +482 task ok Fails and is ignored (nova1 nova2)',
      '15:56:09.500 +1003 task ok Items fail and are ignored (nova1 nova2)',
      '15:56:10.503 +246 task failed Fails for good on one (nova1)',
      '15:56:10.749 +211 task ok Goes on (nova2)',
    ]);
    expect(told[0]).toMatchObject({ play: 'Failures that are ignored', playbook: 'ignored.yml' });
  });

  it('is the same with the prefix of ansible-core 2.18', () => {
    const old = sample('core-2.14.log');
    const levels = old
      .replace(/n=ansible \| fatal/g, 'n=ansible ERROR| fatal')
      .replace(/n=ansible \|/g, 'n=ansible INFO|');
    expect(read(levels)).toEqual(read(old));
  });

  it('of a run that was killed leaves its last task without an end; an interrupted one ended when it said so', () => {
    expect(read(sample('killed.log')).map(row)).toEqual([
      '14:46:27.232 +577 task ok Quick (nova1 nova2)',
      '14:46:27.809 ? task unknown Long ()',
      '14:47:08.217 +223 task ok Quick (nova1 nova2)',
      '14:47:08.440 +2438 task unknown Long ()',
    ]);
  });

  it('may hold the JSON lines of ansible.posix.jsonl', () => {
    const told = read(sample('serial-jsonl.log'));
    expect(told.map(row).slice(3, 6)).toEqual([
      '15:56:12.885 +520 handler ok os_nova/Stop services (nova1)',
      '15:56:13.407 +427 handler ok os_nova/Start services (nova1)',
      '15:56:13.852 +437 task ok Take out of HAProxy | backend [nova] (nova2 nova3)',
    ]);
    expect(new Set(told.map(({ source }) => source))).toEqual(new Set(['jsonl']));
  });

  it('tells of a task at once, and again when a host is told and when it ends', () => {
    const parser = createAnsibleLogParser({ zone: 'utc' });
    const told = log('TASK [a] ***', 'ok: [h1]', 'ok: [h1] => (item=2)', 'ok: [h2]', 'PLAY RECAP ***')
      .split('\n')
      .map((line) => parser.line(line).map(({ hosts, status }) => `${status} ${hosts.join(' ')}`));
    expect(told).toEqual([['running '], ['running h1'], [], ['running h1 h2'], ['ok h1 h2']]);
    expect(parser.end()).toEqual([]);
    expect(parser.lines()).toEqual({ recognised: 5, skipped: 0 });
  });

  it('gives the same ids wherever in the file the reading begins', () => {
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
    ['that no host told of ended, nobody knows how', ['TASK [a] ***', 'x', 'PLAY RECAP ***'], 'unknown'],
    ['that all hosts skipped is ok', ['TASK [a] ***', 'skipping: [h]', 'PLAY RECAP ***'], 'ok'],
    ['that one host failed has failed', ['TASK [a] ***', 'fatal: [h]: FAILED! => {}', 'TASK [b] ***'], 'failed'],
    ['with an item that failed has failed', ['TASK [a] ***', 'failed: [h] (item=1) => {}', 'TASK [b] ***'], 'failed'],
    [
      'that did not reach a host has failed',
      ['TASK [a] ***', 'fatal: [h]: UNREACHABLE! => {}', 'TASK [b] ***'],
      'failed',
    ],
    [
      'whose failure is ignored is ok',
      ['TASK [a] ***', 'fatal: [h]: FAILED! => {}', '...ignoring', 'TASK [b] ***'],
      'ok',
    ],
    [
      'that one of two failures is ignored of has failed',
      ['TASK [a] ***', 'fatal: [h]: FAILED! => {}', 'fatal: [i]: FAILED! => {}', '...ignoring', 'TASK [b] ***'],
      'failed',
    ],
    [
      'that was tried again is ok',
      ['TASK [a] ***', 'FAILED - RETRYING: [h]: a (1 retries left).', 'ok: [h]', 'TASK [b] ***'],
      'ok',
    ],
    ['still runs at the end of the file: nobody knows', ['TASK [a] ***', 'ok: [h]'], 'unknown'],
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
  ])('learns its hosts from %s', (message, hosts) => {
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
  ])('of the banner %s has its role and name', (banner, role, name) => {
    expect(read(log(banner))[0]).toMatchObject({ role, name, kind: 'task' });
  });

  it('that runs in check mode is a dry run, whatever its hosts say', () => {
    expect(rows(log('TASK [a] [CHECK MODE] ***', 'changed: [h]', 'TASK [b] ***', 'ok: [h]', 'PLAY RECAP ***'))).toEqual(
      ['10:00:00.000 +2000 task dry-run a (h)', '10:00:02.000 +2000 task ok b (h)'],
    );
  });

  it('may have a name of several lines, if their end is there', () => {
    expect(rows(`${log('TASK [r : a')}\nb\nc] *****\n${at('10:00:09', 'ok: [h]')}`)).toEqual([
      '10:00:00.000 ? task unknown r/a b c (h)',
    ]);
    expect(rows(log('TASK [a', 'ok: [h]', 'TASK [b'))).toEqual([
      '10:00:00.000 +2000 task ok a (h)',
      '10:00:02.000 ? task unknown b ()',
    ]);
  });

  it('is not made by what it writes itself', () => {
    const output = ['ok: [h] => {', '    "msg": "x"', 'TASK [forged] ***', '}', ''].join('\n');
    expect(rows(`${log('TASK [a] ***')}\n${at('10:00:01', output)}\n${at('10:00:02', 'PLAY RECAP ***')}`)).toEqual([
      '10:00:00.000 +2000 task ok a (h)',
    ]);
  });

  it('shares its start with others and has an id of its own', () => {
    const text = [at('10:00:00', 'TASK [a] ***'), at('10:00:00', 'TASK [a] ***'), at('10:00:01', 'PLAY RECAP ***')];
    expect(read(text.join('\n'), 'utc').map(({ id }) => id)).toEqual([
      'log-7-1780308000000-1',
      'log-7-1780308000000-2',
    ]);
  });
});

describe('processes in one log', () => {
  it('are told apart', () => {
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
    const told = read(text.join('\n'), 'utc');
    expect(told.map(row)).toEqual(['10:00:01.000 +5000 task ok a (h)', '10:00:03.000 +4000 task failed b (h)']);
    expect(told.map(({ play }) => play)).toEqual(['one', 'two']);
  });

  it('of which one was killed: nobody that gets its number later ends its task', () => {
    const next = at('23:00:01', 'TASK [b] ***');
    expect(rows(`${at('10:00:00', 'TASK [a] ***')}\n${next}`)[0]).toBe('10:00:00.000 ? task unknown a ()');
    const begins = at('10:00:01', 'Using /etc/ansible/ansible.cfg as config file');
    expect(rows(`${at('10:00:00', 'TASK [a] ***')}\n${begins}\n${next}`)[0]).toBe('10:00:00.000 ? task unknown a ()');
    expect(rows(`${at('10:00:00', 'TASK [a] ***')}\n${at('21:59:59', 'TASK [b] ***')}`)[0]).toBe(
      '10:00:00.000 +43199000 task unknown a ()',
    );
  });

  it('other than ansible end nothing', () => {
    const other = at('10:00:01', 'TASK [b] ***').replace('n=ansible', 'n=paramiko.transport');
    expect(rows(`${at('10:00:00', 'TASK [a] ***')}\n${other}`)).toEqual(['10:00:00.000 ? task unknown a ()']);
  });
});
