import { describe, expect, it } from 'vitest';
import {
  type Cell,
  checkMigrations,
  checkPlaces,
  checkSchemas,
  checkVersions,
  type VersionRecord,
  versionsOf,
} from '../../../src/checks/database/compare.ts';
import { compareChecks, fail, isRegression, pass, skip } from '../../../src/domain/check.ts';

const DELETE = 'openstack --os-compute-api-version 2.53 compute service delete ID';

const row = (binary: string, host: string, version: number, facts: Partial<VersionRecord> = {}): VersionRecord => ({
  id: `id-${host}`,
  binary,
  host,
  version,
  forcedDown: false,
  silent: 8,
  ...facts,
});
const compute = (host: string, version: number, facts: Partial<VersionRecord> = {}) =>
  row('nova-compute', host, version, facts);
const cell = (name: string, mapping: number | null, ...records: readonly VersionRecord[]): Cell => ({
  name,
  mapping,
  isCell0: name === 'cell0',
  records,
});

const control = (version: number) => [
  row('nova-conductor', 'c1', version),
  row('nova-scheduler', 'c1', version),
  row('nova-osapi_compute', 'c1', version, { silent: 90_000 }),
];
const cloud = (version: number, ...others: readonly VersionRecord[]) => [
  cell('cell0', 1),
  cell('cell1', 2, ...control(version), compute('n1', version), ...others),
  cell('cell2', 3, compute('n2', version)),
];
const options = { stage: 'after', before: null, unread: [] } as const;
const known61 = versionsOf(cloud(61));
/** Those of one name, or all that fail. */
const named = (name: string, checks: ReturnType<typeof checkVersions>) => checks.find((one) => one.name === name);
const failed = (checks: ReturnType<typeof checkVersions>) =>
  checks.filter(({ status }) => status === 'fail').map(({ name, detail }) => `${name}: ${detail}`);

describe('the versions of services in the databases', () => {
  it('let the SIGHUP be given once all are on the new one, and say what was before', () => {
    expect(checkVersions(cloud(66), { ...options, before: known61 })).toEqual([
      pass('database: cell1: nova-compute', '1 record, all of version 66, was 61 before'),
      pass('database: cell1: nova-conductor', '1 record, all of version 66, was 61 before'),
      pass('database: cell1: nova-osapi_compute', '1 record, all of version 66, was 61 before'),
      pass('database: cell1: nova-scheduler', '1 record, all of version 66, was 61 before'),
      pass('database: cell2: nova-compute', '1 record, all of version 66, was 61 before'),
      pass(
        'database: pin',
        'every nova-compute, and whatever else runs, is of version 66, was 61 before: the SIGHUP that lifts the pin may be given; restart every nova-conductor as well: it keeps the pin through a SIGHUP',
      ),
    ]);
  });

  it('say before an upgrade that no earlier one is open, or who is left of it', () => {
    const before = { ...options, stage: 'before' } as const;
    expect(named('database: earlier upgrade: pin', checkVersions(cloud(61), before))).toEqual(
      pass(
        'database: earlier upgrade: pin',
        'every nova-compute, and whatever else runs, is of version 61: nothing holds a pin of an earlier upgrade',
      ),
    );
    expect(failed(checkVersions(cloud(61, compute('n9', 57)), before))).toEqual([
      'database: earlier upgrade: cell1: nova-compute: an earlier upgrade has not ended: 1 record of 2 behind version 61: n9 (version 57, id id-n9): upgrade and restart what runs',
      'database: earlier upgrade: pin: a pin of an earlier upgrade may still hold: behind version 61: nova-compute on n9 (version 57, id id-n9) in cell1: upgrade and restart what runs',
    ]);
  });

  it('answer at each stage a question of its own: an earlier upgrade that is open does not excuse this one', () => {
    const open = cloud(61, compute('n9', 57));
    const compared = compareChecks(
      checkVersions(open, { ...options, before: versionsOf(open) }),
      checkVersions(open, { ...options, stage: 'before' }),
    );
    expect(compared.filter(isRegression).map(({ name }) => name)).toEqual([
      'database: cell1: nova-compute',
      'database: pin',
    ]);
  });

  it('tell nothing where they did not change: several releases have one version', () => {
    const checks = checkVersions(cloud(66), { ...options, before: versionsOf(cloud(66)) });
    expect(new Set(checks.map(({ status }) => status))).toEqual(new Set(['skip']));
    expect(named('database: cell1: nova-compute', checks)?.detail).toBe(
      "1 record, all of version 66, as before: the version did not change, so it can't tell whether they run a new release",
    );
    expect(named('database: pin', checks)?.detail).toBe(
      "every nova-compute, and whatever else runs, is of version 66, as before: the version did not change. Either both releases have the same one, and there is no pin to lift, or nothing was restarted on the new one: the records can't tell",
    );
  });

  it('promise nothing where none is known of before', () => {
    expect(named('database: pin', checkVersions(cloud(66), options))).toEqual(
      pass(
        'database: pin',
        'every nova-compute, and whatever else runs, is of version 66: if the new release has this version (there is none of before to compare), the SIGHUP that lifts the pin may be given; restart every nova-conductor as well: it keeps the pin through a SIGHUP',
      ),
    );
  });

  it('fail where they are lower than before', () => {
    const checks = checkVersions(cloud(61), { ...options, before: versionsOf(cloud(66)) });
    expect(new Set(checks.map(({ status }) => status))).toEqual(new Set(['fail']));
    expect(named('database: pin', checks)?.detail).toBe(
      'every nova-compute, and whatever else runs, is of version 61, was 66 before: an older release runs',
    );
  });

  it('of a cell that is new since count as raised', () => {
    const [zero, one, two] = cloud(66) as [Cell, Cell, Cell];
    const checks = checkVersions([zero, one, two], { ...options, before: versionsOf([cloud(61)[1] as Cell]) });
    expect(named('database: cell2: nova-compute', checks)).toEqual(
      pass('database: cell2: nova-compute', '1 record, all of version 66'),
    );
  });

  it('of a whole cell that is behind another hold the pin', () => {
    const checks = checkVersions([cell('cell1', 2, compute('n1', 66)), cell('cell2', 3, compute('n2', 61))], options);
    expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'database: cell1: nova-compute pass',
      'database: cell2: nova-compute fail',
      'database: pin fail',
    ]);
  });

  it('hold the pin also where the compute is gone, and name the record to delete', () => {
    const orphan = compute('gone', 61, { silent: 7500 });
    const [kind, pin] = failed(checkVersions(cloud(66, orphan), options));
    expect(kind).toBe(
      `database: cell1: nova-compute: not yet: 1 record of 2 behind version 66: gone (version 61, id id-gone, silent for 2 h 05 min): if what is silent is gone for good, ${DELETE}`,
    );
    expect(pin).toBe(
      `database: pin: the SIGHUP may not be given yet: behind version 66: nova-compute on gone (version 61, id id-gone, silent for 2 h 05 min) in cell1: if what is silent is gone for good, ${DELETE}`,
    );
  });

  it('take a record for an orphan after five minutes of silence', () => {
    const told = (silent: number) =>
      named('database: pin', checkVersions(cloud(66, compute('n9', 61, { silent })), options));
    expect(told(300)?.detail).not.toContain('silent');
    expect(told(301)?.detail).toContain('silent for 5 min 1 s');
  });

  it('hold no pin as orphans of another kind than nova-compute, but are told of', () => {
    const old = row('nova-conductor', 'c9', 61, { silent: 86_400 });
    const checks = checkVersions(cloud(66, old), options);
    expect(named('database: pin', checks)?.status).toBe('pass');
    expect(failed(checks)).toEqual([
      `database: cell1: nova-conductor: not yet: 1 record of 2 behind version 66: c9 (version 61, id id-c9, silent for 24 h 00 min): if what is silent is gone for good, ${DELETE}`,
    ]);
  });

  it('of an API, which never reports, are waited for', () => {
    const old = row('nova-osapi_compute', 'c9', 61, { silent: 86_400 });
    expect(named('database: pin', checkVersions(cloud(66, old), options))).toEqual(
      fail(
        'database: pin',
        `the SIGHUP may not be given yet: behind version 66: nova-osapi_compute on c9 (version 61, id id-c9) in cell1: upgrade and restart what runs; an API never reports: where none runs any more, ${DELETE}`,
      ),
    );
  });

  it('count as Nova counts them: not where a service is forced down, or never told its version', () => {
    const checks = checkVersions(cloud(66, compute('n8', 61, { forcedDown: true }), compute('n9', 0)), options);
    expect(failed(checks)).toEqual([]);
    expect(named('database: cell1: nova-compute', checks)?.detail).toBe(
      '1 record, all of version 66; not counted: n8 (forced down, version 61), n9 (version 0)',
    );
    const alone = [cell('cell1', 2, compute('n8', 61, { forcedDown: true }))];
    expect(checkVersions(alone, options)).toEqual([
      skip('database: cell1: nova-compute', 'no record of it counts; not counted: n8 (forced down, version 61)'),
      fail('database: pin', 'the SIGHUP may not be given yet: no cell has a nova-compute that counts'),
    ]);
  });

  it('leave the pin open where a cell could not be read', () => {
    expect(named('database: pin', checkVersions(cloud(66), { ...options, unread: ['cell3'] }))).toEqual(
      fail('database: pin', 'the SIGHUP may not be given yet: cell3 could not be read'),
    );
  });

  it('are told on one line, of however many hosts', () => {
    const many = Array.from({ length: 500 }, (_, index) => compute(`n${index + 10}`, 61));
    expect(named('database: pin', checkVersions(cloud(66, ...many), options))?.detail).toMatch(
      /n19 \(version 61, id id-n19\) in cell1 and 490 more: upgrade and restart what runs$/,
    );
  });
});

describe('the schemas of the databases', () => {
  const after = { stage: 'after', before: null, unread: [] } as const;
  const schemas = (api: string, cell0: string, cell1: string) => [
    { database: 'API', revision: api },
    { database: 'cell0', revision: cell0 },
    { database: 'cell1', revision: cell1 },
  ];

  it('are told with what they were', () => {
    const before = schemas('b30f573d3377', 'ccb0fa1a2252', 'ccb0fa1a2252');
    const now = schemas('b30f573d3377', '960aac0e09ea', '960aac0e09ea');
    expect(checkSchemas(now, { ...after, before })).toEqual([
      pass('database: API: schema', 'revision b30f573d3377, as before'),
      pass('database: cell0: schema', 'revision 960aac0e09ea, was ccb0fa1a2252 before'),
      pass('database: cell1: schema', 'revision 960aac0e09ea, was ccb0fa1a2252 before'),
      pass('database: schemas of the cells', 'all cells have revision 960aac0e09ea'),
    ]);
    expect(checkSchemas(now.slice(0, 2), after)).toEqual([
      pass('database: API: schema', 'revision b30f573d3377'),
      pass('database: cell0: schema', 'revision 960aac0e09ea'),
    ]);
  });

  it('are wrong where a cell was left behind, also if one was before an earlier upgrade', () => {
    const mixed = schemas('b30f573d3377', '960aac0e09ea', 'ccb0fa1a2252');
    const compared = compareChecks(checkSchemas(mixed, after), checkSchemas(mixed, { ...after, stage: 'before' }));
    expect(compared.filter(isRegression).map(({ name, detail }) => `${name}: ${detail}`)).toEqual([
      'database: schemas of the cells: they differ: 960aac0e09ea in cell0, ccb0fa1a2252 in cell1: run nova-manage db sync with the configuration of each cell',
    ]);
  });

  it('are not claimed to be known where they could not be read', () => {
    expect(checkSchemas([], { ...after, unread: ['API', 'cell1'] })).toEqual([
      skip(
        'database: schema',
        'API, cell1: the columns that this needs are not there, or the user may not read them (see docs/checks.md)',
      ),
    ]);
  });
});

describe('online data migrations', () => {
  const after = { stage: 'after', problems: [] } as const;
  const migration = (name: string, database: string, pending: number) => ({ name, database, pending });
  const done = [migration('populate_uuids', 'cell0', 0), migration('populate_uuids', 'cell1', 0)];

  it('are done where no row waits', () => {
    expect(checkMigrations(done, after)).toEqual([
      pass('database: online data migrations', 'no row waits for populate_uuids'),
    ]);
  });

  it('are named where rows wait, whatever else could not be read', () => {
    const open = [
      ...done,
      migration('populate_instance_compute_id', 'cell1', 1),
      migration('populate_user_id', 'API', 1000),
    ];
    const told =
      'populate_instance_compute_id: 1 row in cell1, populate_user_id: 1000 rows or more in API: run nova-manage db online_data_migrations until nothing is left';
    expect(checkMigrations(open, { ...after, problems: ['cell2 is away'] })).toEqual([
      fail('database: online data migrations', `not done: ${told}`),
    ]);
    expect(checkMigrations(open, { ...after, stage: 'before' })).toEqual([
      fail('database: earlier upgrade: online data migrations', `not done since an earlier upgrade: ${told}`),
    ]);
  });

  it('are not called done where something could not be read', () => {
    expect(
      checkMigrations(done, { ...after, problems: ['nova_cell1 on 10.0.0.5:3306: it refuses connections'] }),
    ).toEqual([skip('database: online data migrations', 'nova_cell1 on 10.0.0.5:3306: it refuses connections')]);
    expect(checkMigrations([], after)[0]?.status).toBe('skip');
  });
});

describe('the places of computes', () => {
  const all = { complete: true, unread: [] };
  const hosts = [
    { host: 'n1', mapping: 2 },
    { host: 'n2', mapping: 3 },
  ];

  it('are as they should be', () => {
    expect(checkPlaces(cloud(66), { ...all, hosts })).toEqual([
      pass('database: cell0', 'no nova-compute is in it'),
      pass('database: doubled hosts', 'no nova-compute is in two cells'),
      pass('database: host mappings', '2 hosts, each mapped to its cell'),
    ]);
  });

  it('are wrong in cell0 and in two cells; other services may be in both', () => {
    const [zero, one, two] = cloud(66) as [Cell, Cell, Cell];
    const wrong = [
      { ...zero, records: [row('nova-conductor', 'c1', 66), compute('n3', 66)] },
      one,
      { ...two, records: [...two.records, compute('n1', 66, { id: 'second' })] },
    ];
    expect(failed(checkPlaces(wrong, { ...all, hosts }))).toEqual([
      `database: cell0: n3: it holds nova-compute on n3 (version 66, id id-n3): give this host the database of its cell, then ${DELETE}`,
      `database: doubled host n1: cell1: id id-n1, cell2: id second: for the cell that the host left, ${DELETE}; the host's mapping goes with it, so nova-manage cell_v2 discover_hosts`,
    ]);
  });

  it('are wrong where they are mapped to no cell or to another, or nobody is there', () => {
    const wrong = [
      { host: 'n2', mapping: 2 },
      { host: 'n7', mapping: 3 },
    ];
    expect(failed(checkPlaces(cloud(66), { ...all, hosts: wrong }))).toEqual([
      'database: host mapping of n1: it has none, so nothing is scheduled there: nova-manage cell_v2 discover_hosts',
      'database: host mapping of n2: it is in cell2, mapped to cell1: nova-manage cell_v2 delete_host, then discover_hosts',
      'database: host mapping of n7: it has no nova-compute in cell2: if the host is gone for good, nova-manage cell_v2 delete_host',
    ]);
  });

  it('are held against no cell that was not read, or is known by another name', () => {
    const some = [cell('nova', null, compute('n1', 66), compute('n2', 66))];
    expect(failed(checkPlaces(some, { ...all, hosts }))).toEqual([]);
    const partly = { complete: false, unread: ['cell2'], hosts };
    expect(checkPlaces([cell('cell1', 2, compute('n1', 66))], partly)).toEqual([
      skip('database: doubled hosts', 'cell2 could not be read'),
      skip('database: host mappings', 'cell2 could not be read'),
    ]);
  });
});
