import { describe, expect, it } from 'vitest';
import { checkPlaces } from '../../../src/checks/database/cells.ts';
import { checkMigrations, checkSchemas } from '../../../src/checks/database/schemas.ts';
import { type Cell, checkVersions, type VersionRecord, versionsOf } from '../../../src/checks/database/versions.ts';
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
const versions61 = versionsOf(cloud(61));
const named = (name: string, checks: ReturnType<typeof checkVersions>) => checks.find((check) => check.name === name);
const failed = (checks: ReturnType<typeof checkVersions>) =>
  checks.filter(({ status }) => status === 'fail').map(({ name, detail }) => `${name}: ${detail}`);

describe('the checks of service versions', () => {
  it('allow the SIGHUP once all services are at the new version', () => {
    expect(checkVersions(cloud(66), { ...options, before: versions61 })).toEqual([
      pass('database: cell1: nova-compute', '1 record, all at version 66, was 61 before'),
      pass('database: cell1: nova-conductor', '1 record, all at version 66, was 61 before'),
      pass('database: cell1: nova-osapi_compute', '1 record, all at version 66, was 61 before'),
      pass('database: cell1: nova-scheduler', '1 record, all at version 66, was 61 before'),
      pass('database: cell2: nova-compute', '1 record, all at version 66, was 61 before'),
      pass(
        'database: pin',
        'every nova-compute and all other running services are at version 66, was 61 before: send the SIGHUP that lifts the pin; also restart every nova-conductor, because it keeps the pin after a SIGHUP',
      ),
    ]);
  });

  it('show before an upgrade whether an earlier one is incomplete', () => {
    const before = { ...options, stage: 'before' } as const;
    expect(named('database: earlier upgrade: pin', checkVersions(cloud(61), before))).toEqual(
      pass(
        'database: earlier upgrade: pin',
        'every nova-compute and all other running services are at version 61: no pin of an earlier upgrade is in effect',
      ),
    );
    expect(failed(checkVersions(cloud(61, compute('n9', 57)), before))).toEqual([
      'database: earlier upgrade: cell1: nova-compute: an earlier upgrade is incomplete: 1 record of 2 behind version 61: n9 (version 57, id id-n9): upgrade and restart the running services',
      'database: earlier upgrade: pin: the pin of an earlier upgrade may still be in effect: behind version 61: nova-compute on n9 (version 57, id id-n9) in cell1: upgrade and restart the running services',
    ]);
  });

  it('have a different name before, so that an incomplete earlier upgrade does not excuse this one', () => {
    const incomplete = cloud(61, compute('n9', 57));
    const compared = compareChecks(
      checkVersions(incomplete, { ...options, before: versionsOf(incomplete) }),
      checkVersions(incomplete, { ...options, stage: 'before' }),
    );
    expect(compared.filter(isRegression).map(({ name }) => name)).toEqual([
      'database: cell1: nova-compute',
      'database: pin',
    ]);
  });

  it('are skipped if the version did not change, because several releases have the same', () => {
    const checks = checkVersions(cloud(66), { ...options, before: versionsOf(cloud(66)) });
    expect(new Set(checks.map(({ status }) => status))).toEqual(new Set(['skip']));
    expect(named('database: cell1: nova-compute', checks)?.detail).toBe(
      '1 record, all at version 66, as before: the version does not show whether they run the new release',
    );
    expect(named('database: pin', checks)?.detail).toBe(
      'every nova-compute and all other running services are at version 66, as before. Either both releases have the same version and there is no pin to lift, or no service was restarted on the new release: the records do not show which',
    );
  });

  it('pass with a condition if the version before is unknown', () => {
    expect(named('database: pin', checkVersions(cloud(66), options))).toEqual(
      pass(
        'database: pin',
        'every nova-compute and all other running services are at version 66: if this is the version of the new release (the one before is unknown), send the SIGHUP that lifts the pin; also restart every nova-conductor, because it keeps the pin after a SIGHUP',
      ),
    );
  });

  it('fail if the version is lower than before', () => {
    const checks = checkVersions(cloud(61), { ...options, before: versionsOf(cloud(66)) });
    expect(new Set(checks.map(({ status }) => status))).toEqual(new Set(['fail']));
    expect(named('database: pin', checks)?.detail).toBe(
      'every nova-compute and all other running services are at version 61, was 66 before: an older release is running',
    );
  });

  it('pass for a new cell without a version from before', () => {
    const [cell0, cell1, cell2] = cloud(66) as [Cell, Cell, Cell];
    const checks = checkVersions([cell0, cell1, cell2], { ...options, before: versionsOf([cloud(61)[1] as Cell]) });
    expect(named('database: cell2: nova-compute', checks)).toEqual(
      pass('database: cell2: nova-compute', '1 record, all at version 66'),
    );
  });

  it('fail for a cell that is behind another', () => {
    const checks = checkVersions([cell('cell1', 2, compute('n1', 66)), cell('cell2', 3, compute('n2', 61))], options);
    expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'database: cell1: nova-compute pass',
      'database: cell2: nova-compute fail',
      'database: pin fail',
    ]);
  });

  it('name the record to delete if its compute host is gone, which also keeps the pin', () => {
    const orphan = compute('gone', 61, { silent: 7500 });
    const [binaryFailure, pinFailure] = failed(checkVersions(cloud(66, orphan), options));
    expect(binaryFailure).toBe(
      `database: cell1: nova-compute: not yet upgraded: 1 record of 2 behind version 66: gone (version 61, id id-gone, silent for 2 h 05 min): if the silent ones are gone for good, run ${DELETE}`,
    );
    expect(pinFailure).toBe(
      `database: pin: do not send the SIGHUP yet: behind version 66: nova-compute on gone (version 61, id id-gone, silent for 2 h 05 min) in cell1: if the silent ones are gone for good, run ${DELETE}`,
    );
  });

  it('show the silence of a record after five minutes', () => {
    const pinWith = (silent: number) =>
      named('database: pin', checkVersions(cloud(66, compute('n9', 61, { silent })), options));
    expect(pinWith(300)?.detail).not.toContain('silent');
    expect(pinWith(301)?.detail).toContain('silent for 5 min 1 s');
  });

  it('report orphans other than nova-compute, but not as a reason to keep the pin', () => {
    const old = row('nova-conductor', 'c9', 61, { silent: 86_400 });
    const checks = checkVersions(cloud(66, old), options);
    expect(named('database: pin', checks)?.status).toBe('pass');
    expect(failed(checks)).toEqual([
      `database: cell1: nova-conductor: not yet upgraded: 1 record of 2 behind version 66: c9 (version 61, id id-c9, silent for 24 h 00 min): if the silent ones are gone for good, run ${DELETE}`,
    ]);
  });

  it('fail for an API that is behind, because it never reports whether it is gone', () => {
    const old = row('nova-osapi_compute', 'c9', 61, { silent: 86_400 });
    expect(named('database: pin', checkVersions(cloud(66, old), options))).toEqual(
      fail(
        'database: pin',
        `do not send the SIGHUP yet: behind version 66: nova-osapi_compute on c9 (version 61, id id-c9) in cell1: upgrade and restart the running services; an API never reports: if it no longer runs, run ${DELETE}`,
      ),
    );
  });

  it('ignore, like Nova, services that are forced down or have no version', () => {
    const checks = checkVersions(cloud(66, compute('n8', 61, { forcedDown: true }), compute('n9', 0)), options);
    expect(failed(checks)).toEqual([]);
    expect(named('database: cell1: nova-compute', checks)?.detail).toBe(
      '1 record, all at version 66; not counted: n8 (forced down, version 61), n9 (version 0)',
    );
    const alone = [cell('cell1', 2, compute('n8', 61, { forcedDown: true }))];
    expect(checkVersions(alone, options)).toEqual([
      skip('database: cell1: nova-compute', 'no record counts; not counted: n8 (forced down, version 61)'),
      fail('database: pin', 'do not send the SIGHUP yet: no cell has a nova-compute that counts'),
    ]);
  });

  it('fail for the pin if a cell could not be read', () => {
    expect(named('database: pin', checkVersions(cloud(66), { ...options, unread: ['cell3'] }))).toEqual(
      fail('database: pin', 'do not send the SIGHUP yet: cell3 could not be read'),
    );
  });

  it('name ten records at most', () => {
    const many = Array.from({ length: 500 }, (_, index) => compute(`n${index + 10}`, 61));
    expect(named('database: pin', checkVersions(cloud(66, ...many), options))?.detail).toMatch(
      /n19 \(version 61, id id-n19\) in cell1 and 490 more: upgrade and restart the running services$/,
    );
  });
});

describe('the checks of schemas', () => {
  const after = { stage: 'after', before: null, unread: [] } as const;
  const schemas = (api: string, cell0: string, cell1: string) => [
    { database: 'API', revision: api },
    { database: 'cell0', revision: cell0 },
    { database: 'cell1', revision: cell1 },
  ];

  it('name the revisions and those before', () => {
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

  it('fail if the cells differ, even if they differed before the upgrade', () => {
    const mixed = schemas('b30f573d3377', '960aac0e09ea', 'ccb0fa1a2252');
    const compared = compareChecks(checkSchemas(mixed, after), checkSchemas(mixed, { ...after, stage: 'before' }));
    expect(compared.filter(isRegression).map(({ name, detail }) => `${name}: ${detail}`)).toEqual([
      'database: schemas of the cells: they differ: 960aac0e09ea in cell0, ccb0fa1a2252 in cell1; run nova-manage db sync with the configuration of each cell',
    ]);
  });

  it('are skipped for databases that could not be read', () => {
    expect(checkSchemas([], { ...after, unread: ['API', 'cell1'] })).toEqual([
      skip(
        'database: schema',
        'API, cell1: the required columns do not exist, or the user is not allowed to read them (see docs/checks.md)',
      ),
    ]);
  });
});

describe('the check of online data migrations', () => {
  const after = { stage: 'after', problems: [] } as const;
  const migration = (name: string, database: string, pending: number) => ({ name, database, pending });
  const complete = [migration('populate_uuids', 'cell0', 0), migration('populate_uuids', 'cell1', 0)];

  it('passes if no row is left', () => {
    expect(checkMigrations(complete, after)).toEqual([
      pass('database: online data migrations', 'no rows left to migrate for populate_uuids'),
    ]);
  });

  it('names migrations with rows left, even if other databases could not be read', () => {
    const open = [
      ...complete,
      migration('populate_instance_compute_id', 'cell1', 1),
      migration('populate_user_id', 'API', 1000),
    ];
    const list =
      'populate_instance_compute_id: 1 row in cell1, populate_user_id: 1000 rows or more in API; run nova-manage db online_data_migrations until nothing is left to migrate';
    expect(checkMigrations(open, { ...after, problems: ['cell2 is away'] })).toEqual([
      fail('database: online data migrations', `not done: ${list}`),
    ]);
    expect(checkMigrations(open, { ...after, stage: 'before' })).toEqual([
      fail('database: earlier upgrade: online data migrations', `left over from an earlier upgrade: ${list}`),
    ]);
  });

  it('is skipped if something could not be read', () => {
    expect(
      checkMigrations(complete, { ...after, problems: ['nova_cell1 on 10.0.0.5:3306: connection refused'] }),
    ).toEqual([skip('database: online data migrations', 'nova_cell1 on 10.0.0.5:3306: connection refused')]);
    expect(checkMigrations([], after)[0]?.status).toBe('skip');
  });
});

describe('the checks of cells', () => {
  const all = { complete: true, unread: [] };
  const hosts = [
    { host: 'n1', mapping: 2 },
    { host: 'n2', mapping: 3 },
  ];

  it('pass if every nova-compute is in its cell', () => {
    expect(checkPlaces(cloud(66), { ...all, hosts })).toEqual([
      pass('database: cell0', 'it has no nova-compute'),
      pass('database: duplicate hosts', 'no nova-compute is in two cells'),
      pass('database: host mappings', '2 hosts, each mapped to its cell'),
    ]);
  });

  it('fail for a nova-compute in cell0 or in two cells, but not for other services', () => {
    const [cell0, cell1, cell2] = cloud(66) as [Cell, Cell, Cell];
    const wrong = [
      { ...cell0, records: [row('nova-conductor', 'c1', 66), compute('n3', 66)] },
      cell1,
      { ...cell2, records: [...cell2.records, compute('n1', 66, { id: 'second' })] },
    ];
    expect(failed(checkPlaces(wrong, { ...all, hosts }))).toEqual([
      `database: cell0: n3: nova-compute on n3 (version 66, id id-n3) is in cell0: configure the database of its cell on this host, then run ${DELETE}`,
      `database: duplicate host n1: cell1: id id-n1, cell2: id second: for the cell that the host has left, run ${DELETE}; this also deletes the host mapping, so run nova-manage cell_v2 discover_hosts afterwards`,
    ]);
  });

  it('fail for a host without a mapping, in a different cell from its mapping, or without a nova-compute', () => {
    const wrong = [
      { host: 'n2', mapping: 2 },
      { host: 'n7', mapping: 3 },
    ];
    expect(failed(checkPlaces(cloud(66), { ...all, hosts: wrong }))).toEqual([
      'database: host mapping of n1: missing, so no server is scheduled there; run nova-manage cell_v2 discover_hosts',
      'database: host mapping of n2: nova-compute is in cell2, but mapped to cell1; run nova-manage cell_v2 delete_host, then discover_hosts',
      'database: host mapping of n7: there is no nova-compute in cell2: if the host is gone for good, run nova-manage cell_v2 delete_host',
    ]);
  });

  it('do not fail for a cell that was not read or has another name', () => {
    const cells = [cell('nova', null, compute('n1', 66), compute('n2', 66))];
    expect(failed(checkPlaces(cells, { ...all, hosts }))).toEqual([]);
    const partly = { complete: false, unread: ['cell2'], hosts };
    expect(checkPlaces([cell('cell1', 2, compute('n1', 66))], partly)).toEqual([
      skip('database: duplicate hosts', 'cell2 could not be read'),
      skip('database: host mappings', 'cell2 could not be read'),
    ]);
  });
});
