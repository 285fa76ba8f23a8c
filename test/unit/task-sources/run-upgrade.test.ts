import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Task } from '../../../src/domain/upgrade/task.ts';
import { followRunUpgrade } from '../../../src/task-sources/run-upgrade/follow-run-upgrade.ts';
import { stepsOf } from '../../../src/task-sources/run-upgrade/run-upgrade-steps.ts';

const MD5 = '0c8e4f6a4b0f0a4bb7c1f1d1f3b0a9d2';
const file = (name: string, writtenAt: number, text = `${name}.yml\n`) => ({
  name: `${name}.complete`,
  text,
  writtenAt,
});
const summary = ({ name, start, end }: Task): string => `${name} ${start} to ${end}`;

describe('the steps of run-upgrade.sh', () => {
  it('have all fields', () => {
    const text = "setup-infrastructure.yml -e 'galera_upgrade=true' -e 'rabbitmq_upgrade=true'\n";
    expect(stepsOf([file(MD5, 400, text)], { createdAt: 100, followingSince: 50, since: 0 })).toEqual([
      {
        id: expect.stringMatching(new RegExp(`^run-upgrade-${MD5}-\\d+$`)),
        name: "setup-infrastructure.yml -e 'galera_upgrade=true' -e 'rabbitmq_upgrade=true'",
        role: null,
        play: null,
        playbook: 'setup-infrastructure.yml',
        hosts: [],
        groups: [],
        tags: [],
        kind: 'task',
        status: 'ok',
        start: 100,
        end: 400,
        source: 'run-upgrade',
      },
    ]);
  });

  const all = [file('b', 900), file('a', 400), file('c', 1000)];
  it.each([
    [
      'each starts when the one before ended',
      { createdAt: 100, followingSince: 500, since: 0 },
      ['a.yml 100 to 400', 'b.yml 400 to 900', 'c.yml 900 to 1000'],
    ],
    [
      'the first starts when following started, if the creation of the directory is unknown',
      { createdAt: null, followingSince: 200, since: 0 },
      ['a.yml 200 to 400', 'b.yml 400 to 900', 'c.yml 900 to 1000'],
    ],
    [
      'the first starts at its end, if nothing else is known',
      { createdAt: null, followingSince: 500, since: 0 },
      ['a.yml 400 to 400', 'b.yml 400 to 900', 'c.yml 900 to 1000'],
    ],
    [
      'the creation of a copied directory is ignored',
      { createdAt: 2000, followingSince: 200, since: 0 },
      ['a.yml 200 to 400', 'b.yml 400 to 900', 'c.yml 900 to 1000'],
    ],
    [
      'earlier ones are left out, but determine the start of the next',
      { createdAt: 100, followingSince: 500, since: 800 },
      ['b.yml 400 to 900', 'c.yml 900 to 1000'],
    ],
  ])('%s', (_, options, rows) => {
    expect(stepsOf(all, options).map(summary)).toEqual(rows);
  });

  it.each([
    ['setup-openstack.yml -e package_state=latest\n', 'setup-openstack.yml'],
    ['/opt/osa/scripts/upgrade-utilities/galera-cluster-rolling-restart.yml\n', 'galera-cluster-rolling-restart.yml'],
    ['openstack.osa.setup_openstack -e package_state=latest\n', 'openstack.osa.setup_openstack'],
    ['bootstrap\n', null],
    ['', null],
  ])('have the playbook that they run: %j', (text, playbook) => {
    const options = { createdAt: 1, followingSince: 1, since: 0 };
    expect(stepsOf([file('x', 5, text)], options)[0]?.playbook).toBe(playbook);
  });

  it('are named after an empty file, and have no control characters', () => {
    const options = { createdAt: 1, followingSince: 1, since: 0 };
    expect(stepsOf([file('setup-hosts', 5, '')], options)[0]).toMatchObject({ name: 'setup-hosts' });
    expect(stepsOf([file('x', 5, '\u001b]0;y\u0007\n')], options)[0]).toMatchObject({ name: ']0;y' });
    expect(stepsOf([{ ...file('x', 5), name: 'x.txt' }], options)).toEqual([]);
  });
});

describe('following the directory', () => {
  let folder: string;
  let stop: AbortController;
  let seen: Task[];
  let states: unknown[];
  let following: Promise<void>;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rollwatch-run-upgrade-'));
    stop = new AbortController();
    seen = [];
    states = [];
  });

  afterEach(async () => {
    stop.abort();
    await following;
    chmodSync(folder, 0o700);
    rmSync(folder, { recursive: true });
  });

  const follow = (directory: string) => {
    following = followRunUpgrade(directory, {
      signal: stop.signal,
      onTask: (task) => seen.push(task),
      onConnectionChange: (state) => states.push(state),
      since: 0,
      followingSince: 1000,
      pollInterval: 5,
    });
  };

  const write = (path: string, text: string, second: number) => {
    writeFileSync(path, text);
    utimesSync(path, second, second);
  };

  it('may start before it exists, and reports each step once', async () => {
    const directory = join(folder, 'upgrade-2025.1');
    follow(directory);
    await expect.poll(() => states).toEqual([]);
    mkdirSync(directory);
    write(join(directory, 'a.complete'), 'setup-hosts.yml\n', 60);
    await expect.poll(() => seen.map(summary)).toContain('setup-hosts.yml 1000 to 60000');
    write(join(directory, 'b.complete'), 'setup-openstack.yml\n', 90);
    mkdirSync(join(directory, 'c.complete'));
    await expect.poll(() => seen.map(summary)).toContain('setup-openstack.yml 60000 to 90000');
    const before = seen.length;
    await expect.poll(() => seen.length).toBe(before);
    expect(states).toEqual([]);
  });

  it('reports that it cannot be read, which polls fail again, and once that it can be read again', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, '');
    follow(path);
    const problem = expect.stringMatching(/not a directory/);
    await expect
      .poll(() => states.slice(0, 2))
      .toEqual([
        { problem, again: false },
        { problem, again: true },
      ]);
    rmSync(path);
    mkdirSync(path);
    await expect.poll(() => states.at(-1)).toBe('recovered');
    expect(states.filter((state) => state === 'recovered')).toHaveLength(1);
    expect(states.slice(1, -1)).toEqual(states.slice(1, -1).map(() => ({ problem, again: true })));
  });
});
