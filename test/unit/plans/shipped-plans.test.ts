/** The plans that come with Rollwatch, against the tasks that the deployers' releases really run, in order. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadPlan } from '../../../src/config/plan-file.ts';
import { createPhaseFinder } from '../../../src/domain/upgrade/phases.ts';
import type { Task } from '../../../src/domain/upgrade/task.ts';
import { selectsTask } from '../../../src/domain/upgrade/task-selector.ts';
import { readTaskList } from '../../../src/task-sources/task-list.ts';
import { task } from '../../support/tasks.ts';

const FOLDER = join(import.meta.dirname, 'tasks');

const planNamed = (name: string) => loadPlan(name, 'plan', (path) => path);
const tasksIn = (file: string) => readTaskList(readFileSync(join(FOLDER, file), 'utf8'), file).tasks;
/** A task as the tables below name it. */
const named = ({ kind, role, name }: Task): string => `${kind} ${role === null ? '' : `${role} : `}${name}`;
const skipped = (tasks: readonly Task[], names: readonly string[]): readonly Task[] =>
  tasks.map((task) => (names.includes(named(task)) ? { ...task, hosts: [], source: 'callback' as const } : task));

/** The phases that begin, each with the task and the play that begin it. */
function beginningsOf(plan: string, tasks: readonly Task[]) {
  const intervals = createPhaseFinder(planNamed(plan))({ tasks, marks: [] });
  return intervals.map(({ name, from }) => {
    const task = tasks.find(({ start }) => start === from);
    return [name, task === undefined ? '' : named(task), task?.play];
  });
}

const OPENSTACK_ANSIBLE = {
  'pre-maintenance': [
    'task os_nova : Synchronize the nova API DB schema',
    'task os_nova : Synchronize the nova DB schema',
  ],
  maintenance: ['handler os_nova : Stop services'],
  computes: ['handler os_nova : Stop services', 'task os_nova : Restart nova-compute service'],
};

const KOLLA_ANSIBLE = {
  'pre-maintenance': [
    'task nova : Running Nova API bootstrap container',
    'task nova-cell : Running Nova cell bootstrap container',
  ],
  maintenance: [
    'task nova : Stopping top level nova services',
    'handler nova : Restart nova-super-conductor container',
    'handler nova : Restart nova-scheduler container',
    'handler nova : Restart nova-api container',
    'handler nova : Restart nova-metadata container',
    'task nova-cell : Stopping nova cell services',
    'handler nova-cell : Restart nova-conductor container',
  ],
  computes: [
    'handler nova-cell : Restart nova-libvirt container',
    'handler nova-cell : Restart nova-compute container',
    'handler nova-cell : Restart nova-compute-ironic container',
    'handler nova-cell : Restart nova-compute-fake containers',
  ],
  unpin: [
    'task nova : Reload nova super conductor services to remove RPC version pin',
    'task nova-cell : Reload nova cell services to remove RPC version cap',
    'task nova-cell : Reload nova-compute-ironic to remove RPC version cap (iterated)',
    'task nova : Reload nova API services to remove RPC version pin',
  ],
  finish: [
    'task nova : Run Nova API online database migrations',
    'task nova-cell : Run Nova cell online database migrations',
  ],
};

const K8S_OPERATORS = {
  'pre-maintenance': [
    'task update : Set update step to About to initialize the OpenStack operator',
    'task update : Set update step to About to get a new version',
  ],
  maintenance: ['task update : Set update step to Starting the services update sequence'],
  computes: [
    'task osp.edpm.edpm_update_services : Updates containers for edpm_nova role',
    'task osp.edpm.edpm_nova : Deploy nova compute container',
  ],
  reboot: ['task update : Set update step to About to start Reboot'],
};

/** Which tasks may begin each phase, whatever the order; `finish` and `system` begin with any task of a play. */
const PLANS = [
  ['openstack-ansible', /^openstack-ansible-/, OPENSTACK_ANSIBLE],
  ['kolla-ansible', /^kolla-ansible-/, KOLLA_ANSIBLE],
  ['kayobe', /^kayobe-/, KOLLA_ANSIBLE],
  ['openstack-k8s-operators', /^(ci-framework|edpm-ansible)-/, K8S_OPERATORS],
] as const;

const releasesOf = (pattern: RegExp): readonly string[] => readdirSync(FOLDER).filter((file) => pattern.test(file));

describe('the tasks of the releases', () => {
  it('are those of every supported release', () => {
    const releases = ['2024.1', '2024.2', '2025.1', '2025.2', '2026.1'];
    for (const deployer of ['openstack-ansible', 'kolla-ansible', 'kayobe'])
      expect(releasesOf(new RegExp(`^${deployer}-`))).toEqual(
        releases.map((release) => `${deployer}-${release}.tasks`),
      );
  });

  it.each(PLANS)('begin a phase of %s only if they should', (plan, files, expected) => {
    const lists = releasesOf(files).map(tasksIn);
    const found = planNamed(plan).phases.flatMap(({ name, begins }) => {
      if (!(name in expected)) return [];
      return [[name, [...new Set(lists.flatMap((tasks) => tasks.filter(selectsTask(begins)).map(named)))].toSorted()]];
    });
    const sorted = Object.entries(expected).map(([name, tasks]) => [name, tasks.toSorted()]);
    expect(found).toEqual(sorted);
  });
});

describe('openstack-ansible', () => {
  const CONTROL = 'Install nova control-plane services';

  it.each(releasesOf(/^openstack-ansible-/))('recognises each phase by its task in %s', (file) => {
    const tasks = tasksIn(file);
    const first = tasks.find(({ play }) => play === 'Finalize nova setup');
    expect(beginningsOf('openstack-ansible', tasks)).toEqual([
      ['pre-maintenance', 'task os_nova : Synchronize the nova API DB schema', CONTROL],
      ['maintenance', 'handler os_nova : Stop services', CONTROL],
      ['computes', 'handler os_nova : Stop services', 'Install nova compute services'],
      ['finish', first === undefined ? '' : named(first), 'Finalize nova setup'],
    ]);
    const finish = createPhaseFinder(planNamed('openstack-ansible'))({ tasks, marks: [] }).at(-1);
    expect(tasks.find(({ end }) => end === finish?.until)?.play).toBe('Finalize nova setup');
    expect(tasks.find(({ start }) => start === finish?.until)?.play).not.toBe('Finalize nova setup');
  });

  it.each(releasesOf(/^openstack-ansible-/))('tells the computes from the control plane by default in %s', (file) => {
    // A task of a rescue block, which runs only if a compute does not come back.
    const tasks = skipped(tasksIn(file), ['task os_nova : Restart nova-compute service']);
    expect(beginningsOf('nova-rolling-upgrade', tasks).slice(0, 3)).toEqual([
      ['pre-maintenance', 'task os_nova : Synchronize the nova API DB schema', CONTROL],
      ['maintenance', 'handler os_nova : Stop services', CONTROL],
      ['computes', 'handler os_nova : Stop services', 'Install nova compute services'],
    ]);
  });
});

describe('an upgrade that keeps the names of openstack-ansible', () => {
  /** The playbook with which the real test cloud is upgraded to another version. */
  const PREPARE = [
    'Prepare the nova upgrade',
    ['Synchronize the nova API DB schema', 'Synchronize the nova DB schema'],
  ];
  const COMPUTES = ['Install nova compute, in batches', ['Stop services', 'Start services']];
  const FINISH = [
    'Lift the pin',
    ['Check that no service record is left on the old version', 'Send SIGHUP to all nova services'],
  ];

  it.each([
    ['one API', [['Install nova control plane services', ['Stop services', 'Start services']]]],
    [
      'several APIs, one after the other',
      [
        ['Install nova conductor and scheduler', ['Stop services', 'Start services']],
        ['Install nova API, one after the other', ['Stop services', 'Start services']],
      ],
    ],
  ] as const)('is recognised with %s', (_what, control) => {
    const plays = [PREPARE, ...control, COMPUTES, COMPUTES, FINISH] as const;
    const tasks = plays.flatMap(([play, names], place) =>
      [names].flat().map((name, index) => {
        const start = 10 * place + index;
        return task({ id: `t-${start}`, name, role: 'os_nova', play: `${play}`, start, end: start + 1 });
      }),
    );
    for (const plan of ['openstack-ansible', 'nova-rolling-upgrade'])
      expect(beginningsOf(plan, tasks)).toEqual([
        ['pre-maintenance', 'task os_nova : Synchronize the nova API DB schema', PREPARE[0]],
        ['maintenance', 'task os_nova : Stop services', control[0][0]],
        ['computes', 'task os_nova : Stop services', COMPUTES[0]],
        ['finish', 'task os_nova : Send SIGHUP to all nova services', FINISH[0]],
      ]);
  });
});

describe.each(['kolla-ansible', 'kayobe'])('%s', (plan) => {
  const rest = [
    ['computes', 'handler nova-cell : Restart nova-libvirt container', 'Apply role nova-cell'],
    [
      'unpin',
      'task nova : Reload nova super conductor services to remove RPC version pin',
      'Reload global Nova super conductor services',
    ],
    ['finish', 'task nova : Run Nova API online database migrations', 'Run Nova API online data migrations'],
  ];
  const bootstrap = 'task nova : Running Nova API bootstrap container';
  const preMaintenance = ['pre-maintenance', bootstrap, 'Bootstrap nova API databases'];

  it.each(releasesOf(new RegExp(`^${plan}-`)))('recognises each phase by its task in %s', (file) => {
    expect(beginningsOf(plan, tasksIn(file))).toEqual([
      preMaintenance,
      ['maintenance', 'task nova : Stopping top level nova services', 'Apply role nova'],
      ...rest,
    ]);
  });

  it.each(releasesOf(new RegExp(`^${plan}-`)))('does without the tasks that are usually skipped in %s', (file) => {
    const tasks = skipped(tasksIn(file), [
      'task nova : Stopping top level nova services',
      'task nova-cell : Stopping nova cell services',
      'handler nova : Restart nova-super-conductor container',
    ]);
    expect(beginningsOf(plan, tasks)).toEqual([
      preMaintenance,
      ['maintenance', 'handler nova : Restart nova-scheduler container', 'Apply role nova'],
      ...rest,
    ]);
  });
});

describe('openstack-k8s-operators', () => {
  const UPDATE = 'Run update role';

  it.each(releasesOf(/^ci-framework-/))('recognises the phases of the control plane by their steps in %s', (file) => {
    expect(beginningsOf('openstack-k8s-operators', tasksIn(file))).toEqual([
      ['pre-maintenance', 'task update : Set update step to About to initialize the OpenStack operator', UPDATE],
      ['maintenance', 'task update : Set update step to Starting the services update sequence', UPDATE],
      ['system', 'task update : Set update step to Starting the system update sequence', UPDATE],
      ['reboot', 'task update : Set update step to About to start Reboot', UPDATE],
    ]);
  });

  it.each(releasesOf(/^edpm-ansible-/))('recognises the phases of the data plane by their tasks in %s', (file) => {
    const tasks = tasksIn(file);
    const first = tasks.find(({ play }) => play === 'EDPM update system');
    expect(beginningsOf('openstack-k8s-operators', tasks)).toEqual([
      [
        'computes',
        'task osp.edpm.edpm_update_services : Updates containers for edpm_nova role',
        'EDPM update services',
      ],
      ['system', first === undefined ? '' : named(first), 'EDPM update system'],
    ]);
  });
});
