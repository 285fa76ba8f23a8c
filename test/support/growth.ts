import { toApiReport } from '../../src/api/report.ts';
import { checkHypervisors } from '../../src/checks/services/orphans.ts';
import { checkServices } from '../../src/checks/services/services.ts';
import { parseYaml } from '../../src/config/yaml/parse-yaml.ts';
import type { JournalEntry } from '../../src/domain/journal.ts';
import { createRunState, type RunState } from '../../src/domain/run/run-state.ts';
import type { Series } from '../../src/domain/sample.ts';
import { taskOfAnnotation } from '../../src/domain/upgrade/annotation.ts';
import type { TaskSource } from '../../src/domain/upgrade/task.ts';
import type { ServiceRecord } from '../../src/openstack/diagnosis/service-reports.ts';
import { describeProbes } from '../../src/probes/registry.ts';
import { createAnsibleLogParser } from '../../src/task-sources/ansible-log/ansible-log.ts';
import { roundsOf } from '../../src/task-sources/ara/ara-tasks.ts';
import { failedSample, okSample, SERIES, voidSample } from './samples.ts';
import { task } from './tasks.ts';

/** Work on an input of a given size. Its preparation is not measured. */
export type Growth = { readonly name: string; readonly size: number; readonly make: (size: number) => () => unknown };

const LISTS: readonly Series[] = (['new', 'reused'] as const).map((connection) => ({
  ...SERIES,
  probe: 'server-list',
  connection,
}));

function observe(entries: readonly JournalEntry[], now: number): () => unknown {
  return () => {
    const runState: RunState = createRunState({
      run: 'r',
      version: '0',
      overall: ['server-list'],
      probes: describeProbes(),
    });
    const session = { id: 1, startedAt: 0, aliveAt: 0, ended: false, version: '0', vantage: 'here', facts: {} };
    runState.openSession(session, LISTS);
    for (const entry of entries) runState.accept(entry);
    runState.live(now, { paused: false, journal: { kind: 'recording' }, health: null });
    return toApiReport(runState.report(now), { summary: [], tasks: 'all' });
  };
}

const times = <T>(size: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: size }, (_, index) => make(index));

type Letter = 'o' | 'f' | 'v';

/** Returns one sample per second on each connection, repeating the pattern. */
const samples = (size: number, pattern: readonly Letter[]): readonly JournalEntry[] =>
  times(size, (seq) => seq).flatMap((seq) =>
    LISTS.map(({ connection }): JournalEntry => {
      const place = { seq, at: seq * 1000 + (connection === 'new' ? 500 : 0) };
      const letter = pattern[seq % pattern.length];
      const made =
        letter === 'f' ? failedSample(place, { took: 0 }) : letter === 'v' ? voidSample(place, 0) : okSample(place, 40);
      return { type: 'sample', sample: { ...made, connection } };
    }),
  );

const tasks = (size: number, facts: (index: number) => Parameters<typeof task>[0]): readonly JournalEntry[] =>
  times(size, (index) => ({ type: 'task', task: task({ id: `t${index}`, ...facts(index) }) }));

const SOURCES: readonly TaskSource[] = ['callback', 'log', 'ara'];
const running = { end: null, status: 'running' } as const;

const service = (index: number): ServiceRecord => ({
  id: `${index}`,
  binary: 'nova-compute',
  host: `compute-${index}`,
  zone: 'nova',
  enabled: true,
  up: index % 2 === 0,
  reportedAt: 0,
  disabledReason: null,
});

export const GROWTHS: readonly Growth[] = [
  {
    name: 'tasks with one name at the same time',
    size: 1000,
    make: (size) =>
      observe(
        tasks(size, () => ({ start: 0, end: 1000 })),
        5000,
      ),
  },
  {
    name: 'tasks with one name from three sources, with many plays or none',
    size: 500,
    make: (size) =>
      observe(
        tasks(size, (index) => ({
          source: SOURCES[index % 3] ?? 'log',
          play: index % 2 === 0 ? null : `p${index % 50}`,
          start: index % 1000,
          end: 2000,
        })),
        5000,
      ),
  },
  {
    name: 'tasks with one name, one after another',
    size: 1000,
    make: (size) =>
      observe(
        tasks(size, (index) => ({ start: index * 1000, end: index * 1000 + 900 })),
        size * 1000,
      ),
  },
  {
    name: 'running tasks and windows',
    size: 200,
    make: (size) =>
      observe(
        [
          ...tasks(size, (index) => ({ name: `n${index}`, start: index * 1000, ...running })),
          ...samples(2 * size, ['o', 'f']),
        ],
        size * 2000,
      ),
  },
  { name: 'windows', size: 500, make: (size) => observe(samples(2 * size, ['o', 'f']), size * 2000) },
  {
    name: 'gaps in one long outage',
    size: 1000,
    make: (size) => observe(samples(4 * size, ['f', 'v', 'v', 'v']), size * 4000),
  },
  {
    name: 'phases started by hand, ten in rotation',
    size: 300,
    make: (size) =>
      observe(
        [
          ...times(
            size,
            (index): JournalEntry => ({
              type: 'phase',
              phase: { name: `p${index % 10}`, at: index * 1000 },
            }),
          ),
          ...samples(size, ['o', 'f']),
        ],
        size * 1000,
      ),
  },
  {
    name: 'annotations',
    size: 2000,
    make: (size) => {
      const entries = times(
        size,
        (id): JournalEntry => ({
          type: 'annotation',
          annotation: {
            ...{ id, time: id, timeEnd: id, text: 'deploy', tags: [], data: null, dashboardUid: '', panelId: 0 },
            ...{ created: 0, updated: 0, deleted: false },
          },
        }),
      );
      const work = observe(entries, size);
      return () => [work(), entries.map((entry) => entry.type === 'annotation' && taskOfAnnotation(entry.annotation))];
    },
  },
  {
    name: "hosts of a task in Ansible's log",
    size: 2000,
    make: (size) => {
      const line = (message: string) => `2026-11-23 18:05:50,703 p=100 u=root n=ansible INFO| ${message}`;
      const lines = [
        line('TASK [a] *****'),
        ...times(size, (index) => line(`fatal: [h${index}]: FAILED! => {}`)),
        ...times(size, () => line('...ignoring')),
        line('PLAY RECAP *****'),
      ];
      return () => {
        const parser = createAnsibleLogParser({ zone: 'utc' });
        return lines.map((text) => parser.line(text));
      };
    },
  },
  {
    name: 'results and plays of a task of ARA',
    size: 2000,
    make: (size) => {
      const at = { updated: 0, ended: 1, status: 'ok', playbook: 1 };
      const results = times(size, (id) => ({ ...at, id, started: id, task: 1, host: id % 1500 }));
      const plays = times(Math.ceil(size / 4), (id) => ({ id, updated: 0, started: id * 4, name: 'p', playbook: 1 }));
      const record = { ...at, id: 1, started: 0, name: 'a', action: 'command', handler: false, tags: [], play: 0 };
      return () => roundsOf(record, { results, plays });
    },
  },
  {
    name: 'checks of compute hosts',
    size: 1000,
    make: (size) => {
      const services = times(size, service);
      const hypervisors = services.map(({ host }) => ({ hostname: host, serviceHost: host }));
      const providers = services.map(({ host }) => ({ uuid: host, name: host }));
      return () => [
        checkServices(services, services, { cloudNow: 0, reportInterval: 10_000 }),
        checkHypervisors(services, hypervisors, providers),
      ];
    },
  },
  {
    name: 'keys of a YAML file',
    size: 1000,
    make: (size) => {
      const text = times(size, (index) => `key${index}: ${index}`).join('\n');
      return () => parseYaml(text, 'file');
    },
  },
];

/** Returns milliseconds of processor time for one run: the minimum of several, because the machine may be busy. */
export function costOf(work: () => unknown, runs: number): number {
  let least = Infinity;
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}
