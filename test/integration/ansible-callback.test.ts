/**
 * The callback plugin in a real ansible-playbook, against a listener that accepts its reports, rejects them, hangs or
 * is absent. ANSIBLE_PLAYBOOK names another ansible-playbook than the one in the PATH.
 */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isMissing, tool } from '../support/requirements.ts';
import { rollwatch } from '../support/rollwatch.ts';
import { listenForTasks } from '../support/task-listener.ts';

const PLAYBOOK = process.env['ANSIBLE_PLAYBOOK'] ?? 'ansible-playbook';
const SECRET = 'correct-horse-battery';

let folder: string;

const FILES = {
  'hosts.ini': `
[cloud]
a
b
[site:children]
cloud
[cloud:vars]
ansible_connection=local
ansible_python_interpreter={{ ansible_playbook_python }}
password=${SECRET}
[first]
a
[second]
b
[third]
c
[third:vars]
ansible_connection=local
ansible_python_interpreter={{ ansible_playbook_python }}
[lost]
nowhere ansible_connection=ssh ansible_host=192.0.2.1 ansible_ssh_common_args="-o ProxyCommand=/bin/false"
`,
  'roles/os_nova/tasks/main.yml': `
- name: Install {{ what }}
  command: echo {{ password }}
  notify: [Stop services, Start services]
  tags: [nova-install]
`,
  'roles/os_nova/handlers/main.yml': `
- name: Stop services
  command: "true"
- name: Start services
  command: "true"
`,
  'whole.yml': `
- name: Control plane
  hosts: cloud
  gather_facts: false
  vars: {what: the packages}
  tags: [nova]
  roles: [os_nova]
  post_tasks:
    - name: Fail and go on
      command: "false"
      ignore_errors: true
    - name: Never
      command: "true"
      when: false
    - name: On one host
      command: "true"
      when: inventory_hostname == 'b'
    - command: echo without a name
- name: The lost one
  hosts: lost:b
  gather_facts: false
  tasks:
    - name: Reach it
      ping:
- name: Broken
  hosts: a
  gather_facts: false
  tasks:
    - name: Break
      command: echo {{ password }} && false
      failed_when: true
    - name: Unreached
      command: "true"
`,
  'free.yml': `
- name: Each for itself
  hosts: cloud
  strategy: free
  gather_facts: false
  tasks:
    - name: First
      command: sleep {{ 1 if inventory_hostname == 'a' else 0.1 }}
    - name: Second
      command: sleep 0.1
`,
  'one-by-one.yml': `
- name: Unequal
  hosts: cloud
  gather_facts: false
  tasks:
    - name: Slow on one
      command: sleep {{ 3 if inventory_hostname == 'a' else 0.1 }}
`,
  'groups.yml': `
- name: Several groups
  hosts: first:second:third
  gather_facts: false
  tasks:
    - name: One after the other
      command: "sleep {{ {'a': 0.1, 'b': 1, 'c': 3}[inventory_hostname] }}"
`,
  'short.yml': `
- name: Short
  hosts: a
  gather_facts: false
  tasks:
    - name: One
      command: "true"
    - name: Two
      command: "true"
`,
  'long.yml': `
- name: Long
  hosts: a
  gather_facts: false
  tasks:
    - name: Sleep
      command: sleep 60
`,
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-callback-'));
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const installed = await rollwatch(['ansible-callback', join(folder, 'plugins')], { folder });
  expect(installed).toMatchObject({ code: 0, out: expect.stringContaining('ROLLWATCH_URL') });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const environment = (env: Readonly<Record<string, string>>) => ({
  PATH: process.env['PATH'] ?? '',
  HOME: folder,
  LC_ALL: 'C.UTF-8',
  ANSIBLE_CALLBACK_PLUGINS: join(folder, 'plugins'),
  ANSIBLE_CALLBACKS_ENABLED: 'rollwatch',
  ANSIBLE_ROLES_PATH: join(folder, 'roles'),
  ANSIBLE_NOCOLOR: '1',
  ...env,
});

async function play(playbook: string, env: Readonly<Record<string, string>>, flags: readonly string[] = []) {
  const options = { cwd: folder, env: environment(env), encoding: 'utf8' } as const;
  try {
    const { stdout, stderr } = await promisify(execFile)(PLAYBOOK, ['-i', 'hosts.ini', ...flags, playbook], options);
    return { code: 0, out: stdout, warnings: rollwatchLines(stdout + stderr) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, warnings: rollwatchLines(stdout + stderr) };
  }
}

/** Ansible wraps a warning to the terminal's width. */
const rollwatchLines = (text: string): string =>
  (/\[WARNING\]: rollwatch: (?:.*\n)*?(?=\[|\n|$)/.exec(text)?.[0] ?? '').replaceAll(/\s+/g, ' ').trim();

describe.skipIf(isMissing(tool(PLAYBOOK, 'ansible')))(
  'the Ansible callback plugin (needs ansible-playbook)',
  { timeout: 60_000 },
  () => {
    it('reports every task and handler with hosts and status, and no secret', async () => {
      await using listener = await listenForTasks();
      const token = 'token-of-the-daemon';
      const { code, warnings } = await play('whole.yml', { ROLLWATCH_URL: listener.url, ROLLWATCH_TOKEN: token });
      expect({ code, warnings }).toEqual({ code: expect.any(Number), warnings: '' });
      expect(code).toBeGreaterThan(0);
      const tasks = await listener.ended(9);
      const play1 = { play: 'Control plane', playbook: 'whole.yml', hosts: ['a', 'b'], source: 'callback' };
      const [install, stop, start, ignored, skipped, partly, unnamed, lost, broken] = tasks;
      expect(tasks).toHaveLength(9);
      expect(install).toEqual({
        ...play1,
        id: expect.stringMatching(/^callback-[0-9a-f]{32}-1$/),
        name: 'Install the packages',
        role: 'os_nova',
        groups: ['cloud', 'first', 'second', 'site'],
        tags: ['nova', 'nova-install'],
        kind: 'task',
        status: 'ok',
        start: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        end: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      });
      expect([ignored, skipped, partly, unnamed]).toMatchObject([
        { name: 'Fail and go on', kind: 'task', role: null, status: 'ok', hosts: ['a', 'b'] },
        { name: 'Never', status: 'ok', hosts: [], groups: [] },
        { name: 'On one host', status: 'ok', hosts: ['b'] },
        { name: 'command', status: 'ok' },
      ]);
      expect([stop, start]).toMatchObject([
        { ...play1, name: 'Stop services', role: 'os_nova', kind: 'handler', status: 'ok' },
        { ...play1, name: 'Start services', role: 'os_nova', kind: 'handler', status: 'ok' },
      ]);
      expect(lost).toMatchObject({ name: 'Reach it', play: 'The lost one', status: 'failed', hosts: ['b', 'nowhere'] });
      expect(lost).toMatchObject({ groups: ['cloud', 'lost', 'second', 'site'] });
      expect(broken).toMatchObject({ name: 'Break', play: 'Broken', status: 'failed', hosts: ['a'] });
      const times = tasks.flatMap(({ start, end }) => [Date.parse(String(start)), Date.parse(String(end))]);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(listener.requests.every(({ authorization }) => authorization === `Bearer ${token}`)).toBe(true);
      expect(listener.requests.some(({ body }) => body.includes(SECRET) || body.includes(token))).toBe(false);
    });

    it('reports a dry run as such, and the first host of a real run at once', async () => {
      await using listener = await listenForTasks();
      expect(await play('short.yml', { ROLLWATCH_URL: listener.url }, ['--check'])).toMatchObject({ code: 0 });
      expect(await listener.ended(2)).toMatchObject([
        { name: 'One', status: 'dry-run' },
        { name: 'Two', status: 'dry-run' },
      ]);
      expect(await play('one-by-one.yml', { ROLLWATCH_URL: listener.url })).toMatchObject({ code: 0 });
      await listener.ended(3);
      const bodies = listener.requests.flatMap(({ body }) => JSON.parse(body).tasks);
      expect(bodies).toContainEqual(expect.objectContaining({ name: 'Slow on one', hosts: ['b'], status: 'running' }));
    });

    it('reports each host at once, with its groups', async () => {
      await using listener = await listenForTasks();
      expect(await play('groups.yml', { ROLLWATCH_URL: listener.url })).toMatchObject({ code: 0 });
      await listener.ended(1);
      const reports = listener.requests.flatMap(({ body }) => JSON.parse(body).tasks);
      const known = { name: 'One after the other', status: 'running' };
      expect(reports).toContainEqual(
        expect.objectContaining({ ...known, hosts: ['a'], groups: ['cloud', 'first', 'site'] }),
      );
      expect(reports).toContainEqual(
        expect.objectContaining({ ...known, hosts: ['a', 'b'], groups: ['cloud', 'first', 'second', 'site'] }),
      );
    });

    it('reports overlapping tasks with the strategy free', async () => {
      await using listener = await listenForTasks();
      expect(await play('free.yml', { ROLLWATCH_URL: listener.url })).toMatchObject({ code: 0, warnings: '' });
      const [first, second, ...more] = await listener.ended(2);
      expect([first, second, more]).toMatchObject([
        { name: 'First', hosts: ['a', 'b'], status: 'ok' },
        { name: 'Second', hosts: ['a', 'b'], status: 'ok' },
        [],
      ]);
      const [end, start] = [Date.parse(String(first?.['end'])), Date.parse(String(second?.['start']))];
      expect(end).toBeGreaterThan(start);
    });

    it('keeps reports while the daemon is down, also after the playbook has ended', async () => {
      const port = await listenForTasks().then(async (one) => {
        await one[Symbol.asyncDispose]();
        return one.port;
      });
      const ran = await play('short.yml', { ROLLWATCH_URL: `http://127.0.0.1:${port}` });
      expect(ran.code).toBe(0);
      expect(ran.warnings).toMatch(new RegExp(`rollwatch: cannot report tasks to http://127.0.0.1:${port}: .*refused`));
      await using listener = await listenForTasks({ port });
      expect(await listener.ended(2)).toMatchObject([
        { name: 'One', status: 'ok' },
        { name: 'Two', status: 'ok' },
      ]);
    });

    it.each([
      ['fails', 503],
      ['wants less', 429],
      ['hangs', null],
    ])('retries if the daemon %s', async (_what, answer) => {
      await using listener = await listenForTasks();
      listener.answer = answer;
      expect((await play('short.yml', { ROLLWATCH_URL: listener.url })).code).toBe(0);
      while (listener.requests.length === 0) await delay(20);
      listener.answer = 200;
      expect(await listener.ended(2)).toHaveLength(2);
    });

    it('warns about a report that the daemon rejects, and does not retry it', async () => {
      await using listener = await listenForTasks();
      listener.answer = 401;
      const ran = await play('short.yml', { ROLLWATCH_URL: listener.url, ROLLWATCH_TOKEN: 'wrong' });
      expect(ran).toMatchObject({
        code: 0,
        warnings: `[WARNING]: rollwatch: cannot report tasks to ${listener.url}: HTTP 401 Unauthorized`,
      });
      await delay(1500);
      const ids = listener.requests.map(({ body }) => body);
      expect(new Set(ids).size).toBe(ids.length);
    });

    it('ends a task as unknown if Ansible is killed', async () => {
      await using listener = await listenForTasks();
      const env = environment({ ROLLWATCH_URL: listener.url });
      const child = spawn(PLAYBOOK, ['-i', 'hosts.ini', 'long.yml'], {
        cwd: folder,
        env,
        stdio: 'ignore',
        detached: true,
      });
      while (listener.tasks().length === 0) await delay(20);
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await once(child, 'exit');
      expect(await listener.ended(1)).toMatchObject([{ name: 'Sleep', status: 'unknown', end: expect.any(String) }]);
    });

    it('sends heartbeats for a long task, so that the daemon ends it if everything is killed', async () => {
      await using listener = await listenForTasks();
      const env = environment({ ROLLWATCH_URL: listener.url });
      const options = { cwd: folder, env, stdio: 'ignore', detached: true } as const;
      const child = spawn(PLAYBOOK, ['-i', 'hosts.ini', 'long.yml'], options);
      while (listener.requests.length < 2) await delay(50);
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await once(child, 'exit');
      const [first, second] = listener.requests;
      expect(second?.body).toBe(first?.body);
      expect(JSON.parse(second?.body ?? '')).toMatchObject({ tasks: [{ name: 'Sleep', status: 'running' }] });
      expect(listener.requests.map(({ heartbeat }) => heartbeat).slice(0, 2)).toEqual(['10', '10']);
      await listener.ended(1);
    });

    it.each([
      ['is not set', {}, /ROLLWATCH_URL is not set; set it to a URL such as http:\/\/127\.0\.0\.1:9774/],
      [
        'is no URL',
        { ROLLWATCH_URL: 'localhost:9774' },
        /ROLLWATCH_URL is u?'localhost:9774'; set it to a URL such as/,
      ],
    ])('warns once and does not affect the upgrade if ROLLWATCH_URL %s', async (_what, env, warning) => {
      const ran = await play('short.yml', env);
      expect(ran.code).toBe(0);
      expect(ran.warnings).toMatch(warning);
    });
  },
);
