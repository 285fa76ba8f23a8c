/**
 * Rollwatch names the task that stopped nova-api. Ansible upgrades the real cloud's control plane, and each task source
 * in turn reports it to Rollwatch, with tasks and with handlers.
 */

import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { discard, startWatch, type WatchProcess } from '../support/daemon.ts';
import { env as cloudEnv, HOME, script } from '../support/real-cloud.ts';
import { rollwatch } from '../support/rollwatch.ts';

const run = promisify(execFile);
const REAL_CLOUD = new URL('../real-cloud/', import.meta.url).pathname;
const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

let folder: string;

/** Stops and starts nova-api with tasks, or with handlers of a role, as openstack-ansible does. */
const PLAYBOOK = `
- name: Control plane
  hosts: controller
  gather_facts: false
  tasks:
    - name: Check the API
      ansible.builtin.command: "{{ real_cloud }} status"
      changed_when: false
    - name: Stop the API
      ansible.builtin.command: "{{ real_cloud }} stop nova-api"
    - name: Wait
      ansible.builtin.command: sleep 2
    - name: Start the API
      ansible.builtin.command: "{{ real_cloud }} start nova-api"
    - name: Wait again
      ansible.builtin.command: sleep 2
`;
const HANDLERS = `
- name: Control plane
  hosts: controller
  gather_facts: false
  roles: [os_nova]
`;
const ROLE = {
  tasks: `
- name: Install the configuration
  ansible.builtin.command: sleep 1
  notify: [Stop services, Start services]
- name: Check the API
  ansible.builtin.command: "{{ real_cloud }} status"
`,
  handlers: `
- name: Stop services
  ansible.builtin.command: "{{ real_cloud }} stop nova-api"
- name: Start services
  ansible.builtin.command: "{{ real_cloud }} start nova-api"
`,
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-attribution-'));
  writeFileSync(join(folder, 'tasks.yml'), PLAYBOOK);
  writeFileSync(join(folder, 'handlers.yml'), HANDLERS);
  for (const [part, text] of Object.entries(ROLE)) {
    mkdirSync(join(folder, 'roles/os_nova', part), { recursive: true });
    writeFileSync(join(folder, 'roles/os_nova', part, 'main.yml'), text);
  }
  copyFileSync(join(REAL_CLOUD, 'inventory.ini'), join(folder, 'inventory.ini'));
});

afterAll(async () => {
  await script('start', 'nova-api');
  rmSync(folder, { recursive: true, force: true });
});

const play = (playbook: string, env: Readonly<Record<string, string>>) =>
  [
    'ansible-playbook',
    ['-i', 'inventory.ini', '-e', `real_cloud=${REAL_CLOUD}real-cloud`, `${playbook}.yml`],
    { cwd: folder, env: { ...process.env, ANSIBLE_LOCALHOST_WARNING: 'false', ...env } },
  ] as const;

const taskSchema = z.looseObject({
  name: z.string(),
  kind: z.string(),
  role: z.string().nullable(),
  source: z.string(),
});
const reportSchema = z.object({
  windows: z.array(
    z.object({
      kind: z.string(),
      probe: z.string(),
      connection: z.string(),
      task: taskSchema.nullable(),
      candidates: z.array(taskSchema),
    }),
  ),
});

/** Watches while `upgrade` runs. Returns the first down window of the API for each connection. */
async function watching(
  upgrade: (watch: WatchProcess) => Promise<unknown>,
  { args = [], report }: { args?: readonly string[]; report?: readonly string[] } = {},
) {
  const watch = await startWatch({ env: cloudEnv, args });
  try {
    await delay(3000);
    await upgrade(watch);
    await delay(3000);
    const { printed } = await watch.stop();
    const text =
      report === undefined
        ? printed
        : (await rollwatch(['report', '--json', '--journal', watch.journal, ...report], { folder })).out;
    const { windows } = reportSchema.parse(JSON.parse(text));
    // The first window of the outage: while the API starts, a busy machine may answer once and then fall silent again.
    const down = windows.filter(({ kind, probe }) => kind === 'down' && probe === 'server-list');
    return ['new', 'reused'].flatMap((connection) => down.find((window) => window.connection === connection) ?? []);
  } finally {
    await watch.kill();
    discard(watch.folder);
  }
}

type Source = {
  readonly name: string;
  readonly source: string;
  readonly watch: (playbook: string) => ReturnType<typeof watching>;
};

const log = () => join(folder, `ansible-${Math.random()}.log`);

const SOURCES: readonly Source[] = [
  {
    name: 'the callback plugin',
    source: 'callback',
    watch: (playbook) =>
      watching(async ({ url }) => {
        const plugins = join(folder, 'plugins');
        expect(await rollwatch(['ansible-callback', plugins], { folder })).toMatchObject({ code: 0 });
        await run(
          ...play(playbook, {
            ANSIBLE_CALLBACK_PLUGINS: plugins,
            ANSIBLE_CALLBACKS_ENABLED: 'rollwatch',
            ROLLWATCH_URL: url,
          }),
        );
      }),
  },
  {
    name: 'the log, followed',
    source: 'log',
    watch(playbook) {
      const file = log();
      writeFileSync(join(folder, 'follow.yaml'), `upgrade: {ansible_log: ${file}}`);
      return watching(() => run(...play(playbook, { ANSIBLE_LOG_PATH: file })), {
        args: ['--config', join(folder, 'follow.yaml')],
      });
    },
  },
  {
    name: 'the log, read afterwards',
    source: 'log',
    watch(playbook) {
      const file = log();
      return watching(() => run(...play(playbook, { ANSIBLE_LOG_PATH: file })), {
        report: ['--ansible-log', file, '--zone', 'local'],
      });
    },
  },
  {
    name: 'ansible.posix.jsonl on a pipe',
    source: 'jsonl',
    watch: (playbook) =>
      watching(async ({ url }) => {
        const [command, args, options] = play(playbook, { ANSIBLE_STDOUT_CALLBACK: 'ansible.posix.jsonl' });
        const line = `"$0" "$@" | ${process.execPath} ${MAIN} task follow --jsonl --url ${url}`;
        await run('bash', ['-o', 'pipefail', '-c', line, command, ...args], options);
      }),
  },
];

describe.each(SOURCES)('$name', ({ source, watch }) => {
  it.each([
    ['tasks', { name: 'Stop the API', kind: 'task' }],
    ['handlers', { name: 'Stop services', kind: 'handler', role: 'os_nova' }],
  ])('names the task of %s that stopped the API', async (playbook, expected) => {
    const windows = await watch(playbook);
    expect(windows).toHaveLength(2);
    for (const { task, candidates } of windows) {
      expect(candidates).toContainEqual(expect.objectContaining({ ...expected, source }));
      expect(task).toMatchObject({ ...expected, source });
    }
  });
});

describe('community.grafana.grafana_annotations, unmodified', () => {
  it('names the playbook, which is all that it reports', async () => {
    const windows = await watching(({ url }) =>
      run(
        ...play('tasks', {
          ANSIBLE_CALLBACKS_ENABLED: 'community.grafana.grafana_annotations',
          GRAFANA_URL: `${url}/api/annotations`,
        }),
      ),
    );
    expect(windows).toHaveLength(2);
    for (const { task } of windows) expect(task).toMatchObject({ name: 'playbook tasks.yml', source: 'grafana' });
  });
});

describe('rollwatch task run', () => {
  it('names the command that runs the upgrade', async () => {
    const windows = await watching(({ url }) =>
      rollwatch(
        [
          'task',
          'run',
          'stop and start',
          '--',
          'sh',
          '-c',
          '"$0" stop nova-api; sleep 1; "$0" start nova-api',
          join(REAL_CLOUD, 'real-cloud'),
        ],
        { folder, env: { ROLLWATCH_URL: url, REAL_CLOUD_HOME: HOME } },
      ),
    );
    expect(windows).toHaveLength(2);
    for (const { task } of windows) expect(task).toMatchObject({ name: 'stop and start', source: 'shell' });
  });
});
