import { describe, expect, it } from 'vitest';
import { toIso } from '../../../src/domain/time.ts';
import { createAraCache } from '../../../src/task-sources/ara/ara-cache.ts';
import { type AraPlaybook, type AraResult, type AraTask, araTask } from '../../../src/task-sources/ara/ara-schemas.ts';
import { tasksOfAra } from '../../../src/task-sources/ara/ara-tasks.ts';
import { addRecords, araRecords, cacheOf, parseAraRecords } from './ara-records.ts';
import { row, sample } from './task-samples.ts';

/** `ara-16-6` of `ara-16-1795632899827-6` */
const withoutStart = ({ id }: { readonly id: string }): string => id.replace(/^(ara-\d+)-\d{13}/, '$1');

const rowsOf = (name: string): readonly string[] => cacheOf(araRecords(name)).changed().map(row);

describe('what ARA recorded of a real run', () => {
  it('is one task per batch, although ARA has one record for all batches', () => {
    expect(rowsOf('ara-serial.jsonl')).toEqual([
      '18:05:43.528 +593 task ok os_nova/Drop the configuration (nova1)',
      '18:05:44.239 +420 task ok Take out of HAProxy (nova1)',
      '18:05:44.723 +64 task ok All skip ()',
      '18:05:44.899 +233 task ok Fails and is ignored (nova1)',
      '18:05:45.195 +230 task failed Fails and is rescued (nova1)',
      '18:05:45.527 +216 task ok The rescue (nova1)',
      '18:05:45.807 +217 task ok command (nova1)',
      '18:05:46.091 +3262 handler ok os_nova/Stop services (nova1)',
      '18:05:49.423 +538 handler ok os_nova/Start services (nova1)',
      '18:05:50.151 +545 task ok os_nova/Drop the configuration (nova2)',
      '18:05:50.752 +4194 task ok Take out of HAProxy (nova2)',
      '18:05:55.003 +65 task ok All skip ()',
      '18:05:55.120 +186 task ok Fails and is ignored (nova2)',
      '18:05:55.355 +217 task failed Fails and is rescued (nova2)',
      '18:05:55.623 +173 task ok The rescue (nova2)',
      '18:05:55.847 +181 task ok command (nova2)',
      '18:05:56.079 +3189 handler ok os_nova/Stop services (nova2)',
      '18:05:59.319 +573 handler ok os_nova/Start services (nova2)',
      '18:05:59.947 +4254 task ok One is slow (nova1 nova2)',
      '18:06:04.251 +349 task failed Fails on one (nova1 nova2)',
      '18:06:04.651 +326 task ok Goes on (nova1)',
      '18:06:05.027 +241 task failed Not reached (dark1)',
    ]);
  });

  it('is one task per notification of a handler, without meta tasks', () => {
    expect(rowsOf('ara-handler-twice.jsonl')).toEqual([
      '18:21:16.657 +649 task ok Change one (nova1)',
      '18:21:17.631 +744 handler ok Stop services (nova1)',
      '18:21:18.499 +594 task ok Change two (nova1)',
      '18:21:19.395 +714 handler ok Stop services (nova1)',
      '18:21:20.215 +771 task ok Long (nova1)',
      '18:21:21.219 +706 task ok Change one (nova2)',
      '18:21:22.075 +887 handler ok Stop services (nova2)',
      '18:21:23.099 +647 task ok Change two (nova2)',
      '18:21:23.920 +1712 handler ok Stop services (nova2)',
      '18:21:25.716 +60480 task ok Long (nova2)',
    ]);
  });

  it('is a dry run if ansible-playbook ran with --check', () => {
    const rows = araRecords('ara-handler-twice.jsonl').map((one) =>
      one.list === 'playbooks' ? { ...one, arguments: { check: true } } : one,
    );
    expect(
      new Set(
        cacheOf(rows)
          .changed()
          .map(({ status }) => status),
      ),
    ).toEqual(new Set(['dry-run']));
  });

  it('has no end if the run was interrupted', () => {
    expect(rowsOf('ara-interrupted.jsonl')).toEqual(['18:22:30.855 ? task unknown Long (nova1)']);
  });

  it('has one id per round, wherever reading began', () => {
    const rows = araRecords('ara-handler-twice.jsonl');
    const ids = cacheOf(rows)
      .changed()
      .filter(({ kind }) => kind === 'handler')
      .map(withoutStart);
    expect(ids).toEqual(['ara-16', 'ara-16-5-1', 'ara-16-6', 'ara-16-6-1']);
    const secondBatch = Date.parse('2026-11-23T18:21:21Z');
    const late = cacheOf(rows.filter((one) => one.list !== 'results' || one.updated > secondBatch));
    expect(late.changed().map(withoutStart)).toEqual(['ara-14-6', 'ara-16-6', 'ara-17-6', 'ara-16-6-1', 'ara-19-6']);
  });

  it('is the same in any order, and reported once', () => {
    const rows = araRecords('ara-serial.jsonl');
    const cache = createAraCache();
    const reported = new Map<string, string>();
    for (const one of rows.toReversed()) {
      addRecords(cache, [one]);
      for (const task of cache.changed()) reported.set(task.id, row(task));
    }
    expect([...reported.values()].toSorted()).toEqual([...rowsOf('ara-serial.jsonl')].toSorted());
    addRecords(cache, rows);
    expect(cache.changed()).toEqual([]);
  });

  it('is dropped when it is old', () => {
    const cache = cacheOf(araRecords('ara-serial.jsonl'));
    cache.dropBefore(Date.parse('2026-11-23T18:06:00Z'));
    expect(cache.changed().map(({ name }) => name)).toEqual(['One is slow', 'Fails on one', 'Goes on', 'Not reached']);
  });
});

describe('a database that is recreated at the same address', () => {
  /** An hour later, in the order of the requests. */
  const again = parseAraRecords(
    sample('ara-serial.jsonl')
      .replaceAll('T18:', 'T19:')
      .replace(/"name":"(nova\d|dark1)"/g, '"name":"$1-new"'),
  ).toSorted((x, y) => Number(y.list === 'tasks') - Number(x.list === 'tasks'));

  it.each([
    ['all ids were known', () => true],
    ['only higher ids were known', (id: number) => id > 10],
  ])('is not mixed with the tasks of the old one: %s', (_what, isKnown) => {
    const cache = cacheOf(araRecords('ara-serial.jsonl').filter((one) => one.list !== 'tasks' || isKnown(one.id)));
    const before = cache.changed();
    addRecords(cache, again);
    const after = cache.changed();
    expect(after.map(row)).toEqual(cacheOf(again).changed().map(row));
    expect(after.filter(({ start, end }) => end !== null && end < start)).toEqual([]);
    const ids = new Set(before.map(({ id }) => id));
    expect(after.filter(({ id }) => ids.has(id))).toEqual([]);
  });
});

describe('the missing records', () => {
  const rows = araRecords('ara-interrupted.jsonl');
  const playbook: AraPlaybook = { id: 3, path: '/srv/upgrade/long.yml', ended: null };

  it('are unknown and running playbooks, and hosts without a name', () => {
    const cache = cacheOf(rows.filter(({ list }) => list === 'tasks'));
    expect(cache.missing()).toEqual({ isActive: true, unknown: [3], running: [], unnamedHosts: [] });
    cache.addPlaybook(3, playbook);
    cache.changed();
    expect(cache.missing()).toEqual({ isActive: true, unknown: [], running: [3], unnamedHosts: [] });
    addRecords(
      cache,
      rows.filter(({ list }) => list === 'results'),
    );
    expect(cache.missing().unnamedHosts).toEqual([3]);
    addRecords(
      cache,
      rows.filter(({ list }) => list === 'hosts' || list === 'playbooks'),
    );
    cache.changed();
    expect(cache.missing()).toEqual({ isActive: false, unknown: [], running: [], unnamedHosts: [] });
  });

  it('do not include what ARA no longer has', () => {
    const cache = cacheOf(rows.filter(({ list }) => list === 'tasks' || list === 'results'));
    cache.addPlaybook(3, null);
    cache.addHosts(3, []);
    expect(cache.changed()).toMatchObject([
      { id: 'ara-20-1795458150854', play: null, playbook: null, hosts: [], status: 'running' },
    ]);
    expect(cache.missing()).toEqual({ isActive: false, unknown: [], running: [], unnamedHosts: [] });
  });
});

describe('a task of ARA', () => {
  const task: AraTask = {
    id: 7,
    updated: 9,
    started: 1000,
    ended: 3000,
    name: 'os_nova : Stop services',
    action: 'command',
    handler: true,
    status: 'completed',
    tags: ['nova'],
    play: 1,
    playbook: 1,
  };
  const playbook: AraPlaybook = { id: 1, path: '/etc/ansible/setup-openstack.yml', ended: null };
  const plays = [
    { id: 1, updated: 1, started: 500, name: 'Upgrade nova', playbook: 1 },
    { id: 2, updated: 1, started: 5000, name: 'Upgrade nova', playbook: 1 },
  ];
  const result = (status: string, started = 1100, ended = started + 500): AraResult => ({
    id: started,
    updated: ended,
    started,
    ended,
    status,
    task: 7,
    host: started,
    playbook: 1,
  });
  const tasks = (changes: Partial<AraTask>, results: readonly AraResult[], over = false) =>
    tasksOfAra(
      { ...task, ...changes },
      { results, plays, playbook: { ...playbook, ended: over ? 9000 : null }, hostName: (id) => `h${id}` },
    );

  it('is a whole record', () => {
    expect(tasks({}, [result('changed'), result('skipped', 1200)])).toEqual([
      {
        id: 'ara-7-1000',
        name: 'Stop services',
        role: 'os_nova',
        play: 'Upgrade nova',
        playbook: 'setup-openstack.yml',
        hosts: ['h1100'],
        groups: [],
        tags: ['nova'],
        kind: 'handler',
        status: 'ok',
        start: 1000,
        end: 3000,
        source: 'ara',
      },
    ]);
  });

  it.each([
    ['runs', { ended: null, status: 'running' }, [], false, ['running 1000 null']],
    [
      'still runs on other hosts after it failed on one',
      { ended: null, status: 'failed' },
      [result('failed')],
      false,
      ['running 1000 null'],
    ],
    ['has failed', { status: 'failed' }, [], false, ['failed 1000 3000']],
    ['has failed, in an older ARA without this status', {}, [result('unreachable')], false, ['failed 1000 3000']],
    ['has an ignored failure', {}, [result('ignored')], false, ['ok 1000 3000']],
    ['has expired in ARA', { ended: null, status: 'expired' }, [], false, ['unknown 1000 null']],
    ['was interrupted', { ended: null, status: 'running' }, [], true, ['unknown 1000 null']],
    [
      'was interrupted after it failed',
      { ended: null, status: 'failed' },
      [result('failed')],
      true,
      ['failed 1000 null'],
    ],
    ['has a result after its end, with the strategy free', {}, [result('ok', 3500)], false, ['ok 1000 4000']],
    ['runs in its second batch', {}, [result('ok'), result('ok', 6000)], false, ['ok 1000 1600', 'running 6000 null']],
    [
      'ended in its second batch',
      { ended: 7000 },
      [result('ok'), result('ok', 6000)],
      false,
      ['ok 1000 1600', 'ok 6000 7000'],
    ],
    [
      'failed in its first batch only',
      { ended: 7000, status: 'failed' },
      [result('failed'), result('ok', 6000)],
      false,
      ['failed 1000 1600', 'ok 6000 7000'],
    ],
    [
      'was interrupted in its second batch',
      {},
      [result('ok'), result('ok', 6000)],
      true,
      ['ok 1000 1600', 'ok 6000 6500'],
    ],
    ['is known from its second batch on', { ended: 7000 }, [result('ok', 6000)], false, ['ok 6000 7000']],
  ])('that %s', (_, changes, results, over, rows) => {
    expect(tasks(changes, results, over).map(({ status, start, end }) => `${status} ${start} ${end}`)).toEqual(rows);
  });

  it('is named after its action if it has no name, and has no control characters', () => {
    expect(tasks({ name: null }, [])[0]).toMatchObject({ role: null, name: 'command' });
    expect(tasks({ name: '\u001b]0;x\u0007' }, [])[0]).toMatchObject({ name: ']0;x' });
  });

  it('has no playbook in a run without one', () => {
    const context = { results: [], plays, playbook: { ...playbook, path: 'Ad-Hoc: ping' }, hostName: () => null };
    expect(tasksOfAra(task, context)[0]).toMatchObject({ playbook: null });
  });

  it("has timestamps with microseconds in the server's zone", () => {
    const [raw] = araRecords('ara-interrupted.jsonl').filter(({ list }) => list === 'tasks');
    const read = (started: string) =>
      araTask.safeParse({ ...raw, updated: started, started, ended: null }).data?.started;
    expect(read('2026-11-23T19:22:30.854967+01:00')).toBe(Date.parse('2026-11-23T18:22:30Z') + 854.967);
    expect(toIso(read('2026-11-23T18:22:30Z') ?? 0)).toBe('2026-11-23T18:22:30.000Z');
    expect(read('2026-11-23T18:22:30')).toBeUndefined();
    expect(read('yesterday')).toBeUndefined();
  });
});
