import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/domain/errors.ts';
import { isDone } from '../../../src/domain/upgrade/task.ts';
import { readTaskList } from '../../../src/task-sources/task-list.ts';

/** As ansible-core 2.14 prints it, with --list-hosts for the first play. */
const LISTING = `
playbook: /etc/site.yml

  play #1 (first:&third:!lost): Play (one): x\tTAGS: [t]
    pattern: ['first:&third:!lost']
    hosts (2):
      b
      a
    tasks:
      r : In role {{ x }}\tTAGS: [q, t]
      a: TAGS [x]\tTAGS: []
    handlers:
      os_nova : Stop services

  play #2 (all,web): all\tTAGS: []
    tasks:
      command\tTAGS: []
`;

const REPORTED = {
  tasks: [
    {
      id: 'b',
      name: 'B',
      kind: 'handler',
      status: 'ok',
      start: '2026-11-26T20:00:05.000Z',
      end: null,
      source: 'callback',
    },
    {
      ...{ id: 'a', name: 'A', role: 'r', play: 'p', playbook: 'x.yml', hosts: ['h'], groups: ['g'], tags: ['t'] },
      ...{
        status: 'ok',
        start: '2026-11-26T20:00:01.000Z',
        end: '2026-11-26T20:00:02.000Z',
        source: 'log',
        windows: 3,
      },
    },
  ],
};

describe('a list of tasks', () => {
  it('may come from ansible-playbook --list-tasks', () => {
    const { tasks, haveRun } = readTaskList(LISTING, 'tasks');
    expect(haveRun).toBe(false);
    const first = { play: 'Play (one): x', playbook: 'site.yml', hosts: ['b', 'a'], groups: ['first'] };
    expect(tasks).toMatchObject([
      { ...first, role: 'r', name: 'In role {{ x }}', tags: ['q', 't'], kind: 'task', start: 0 },
      { ...first, role: null, name: 'a: TAGS [x]', tags: [], kind: 'task', start: 1 },
      { ...first, role: 'os_nova', name: 'Stop services', kind: 'handler', start: 2 },
      { play: 'all', role: null, name: 'command', hosts: [], groups: ['all', 'web'], start: 3 },
    ]);
    expect(tasks.every(isDone)).toBe(true);
  });

  it('may come from the API, with times; a task without hosts was skipped', () => {
    const { tasks, haveRun } = readTaskList(JSON.stringify(REPORTED), 'tasks.json');
    expect(haveRun).toBe(true);
    const [start, end] = [Date.parse('2026-11-26T20:00:01.000Z'), Date.parse('2026-11-26T20:00:02.000Z')];
    expect(tasks).toMatchObject([
      { name: 'A', role: 'r', play: 'p', playbook: 'x.yml', hosts: ['h'], groups: ['g'], tags: ['t'], start, end },
      { name: 'B', kind: 'handler', hosts: [], end: null },
    ]);
    expect(tasks.map(isDone)).toEqual([true, false]);
  });

  it.each([
    ['empty', ''],
    ['a playbook', '- hosts: all\n  tasks:\n    - command: "true"\n'],
    ['other JSON', '{"tasks": [{"name": 3}]}'],
    ['broken JSON', '{"tasks": ['],
    ['without tasks', '{"tasks": []}'],
  ])('that is %s is rejected in one line', (_what, text) => {
    const read = () => readTaskList(text, 'x.txt');
    expect(read).toThrow(UserError);
    expect(read).toThrow(
      "x.txt is not a list of tasks: it must be the output of 'ansible-playbook --list-tasks', or of the API's /api/v1/tasks",
    );
  });
});
