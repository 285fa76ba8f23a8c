/**
 * The check of Nova's databases on the real cloud: passes on a healthy cloud, names an old record that keeps the RPC
 * pin, needs no privilege but SELECT, and writes nothing.
 */

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { selectReadOnly } from '../../src/checks/database/nova-database.ts';
import { parseDatabaseUrl } from '../../src/domain/database-address.ts';
import { discard } from '../support/daemon.ts';
import { env, HOME, sql } from '../support/real-cloud.ts';
import { rollwatch, withoutProgress } from '../support/rollwatch.ts';

const [, API = ''] =
  /^connection = (mysql\S+\/nova_api\S*)$/m.exec(readFileSync(`${HOME}/etc/nova/nova.conf`, 'utf8')) ?? [];
const [, PASSWORD = ''] = /:\/\/[^:]+:([^@]+)@/.exec(API) ?? [];

/** A user with only the privileges of docs/checks.md. */
const READER = 'rollwatch_reader';
const READER_PASSWORD = 'r3ad@only/1';
const GRANTS = [
  `SELECT (id, uuid, name) ON nova_api.cell_mappings`,
  `SELECT (host, cell_id) ON nova_api.host_mappings`,
  ...['nova_cell0', 'nova_cell1'].map(
    (database) =>
      `SELECT (id, uuid, \`binary\`, host, version, forced_down, last_seen_up, created_at, deleted) ON ${database}.services`,
  ),
];
/** The additional privileges for schemas and online data migrations. */
const MORE_GRANTS = [
  'SELECT (version_num) ON nova_api.alembic_version',
  'SELECT (queued_for_delete, user_id, cell_id, project_id) ON nova_api.instance_mappings',
  ...['nova_cell0', 'nova_cell1'].flatMap((database) => [
    `SELECT (version_num) ON ${database}.alembic_version`,
    `SELECT (uuid, deleted) ON ${database}.migrations`,
    `SELECT (uuid, deleted) ON ${database}.block_device_mapping`,
    `SELECT (uuid, deleted) ON ${database}.pci_devices`,
    `SELECT (availability_zone, host, deleted) ON ${database}.instances`,
    `SELECT (cpu_allocation_ratio, ram_allocation_ratio, disk_allocation_ratio, deleted) ON ${database}.compute_nodes`,
  ]),
];
const grant = (rights: readonly string[]) => sql(rights.map((what) => `GRANT ${what} TO '${READER}'@'%'`).join(';'));
const asReader = (database: string) =>
  `mysql+pymysql://${READER}:${encodeURIComponent(READER_PASSWORD)}@127.0.0.1:3306/${database}?charset=utf8`;

const checksSchema = z.object({
  ok: z.boolean(),
  checks: z.array(z.looseObject({ name: z.string(), status: z.string(), detail: z.string() })),
});

const NAMES = [
  'database: cells',
  'database: cell1: nova-compute',
  'database: cell1: nova-conductor',
  'database: cell1: nova-osapi_compute',
  'database: cell1: nova-scheduler',
  'database: pin',
  'database: pin lifted',
  'database: cell0',
  'database: duplicate hosts',
  'database: host mappings',
];
const SCHEMAS = [
  'database: API: schema',
  'database: cell0: schema',
  'database: cell1: schema',
  'database: schemas of the cells',
  'database: online data migrations',
];

describe("the check of Nova's databases", () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-database-'));
  writeFileSync(join(folder, 'rollwatch.yaml'), 'vantage: database\nchecks: {database_urls_file: databases}\n');
  const check = async (stage: 'before' | 'after', ...lines: readonly string[]) => {
    writeFileSync(join(folder, 'databases'), `${lines.join('\n')}\n`);
    const ran = await rollwatch(['check', stage, '--only', 'database', '--json'], { folder, env });
    expect(withoutProgress(ran.err)).toBe('');
    for (const hidden of [PASSWORD, READER_PASSWORD, encodeURIComponent(READER_PASSWORD), 'wr0ng'])
      expect(ran.out).not.toContain(`:${hidden}`);
    return { code: ran.code, ...checksSchema.parse(JSON.parse(ran.out)) };
  };
  const failures = ({ checks }: z.infer<typeof checksSchema>) =>
    checks.filter(({ status }) => status === 'fail').map(({ name, detail }) => `${name}: ${detail}`);
  const dropReader = () => sql(`DROP USER IF EXISTS '${READER}'@'%'`);
  let version = 0;

  beforeAll(async () => {
    expect(API).not.toBe('');
    await dropReader();
    await sql(`CREATE USER '${READER}'@'%' IDENTIFIED BY '${READER_PASSWORD}'`);
    await grant(GRANTS);
    version = Number(
      await sql("SELECT MAX(version) FROM nova_cell1.services WHERE deleted = 0 AND `binary` = 'nova-compute'"),
    );
  });

  afterAll(async () => {
    await dropReader();
    discard(folder);
  });

  it('passes on a healthy cloud, with the address from Nova', async () => {
    const before = await check('before', API);
    expect(failures(before)).toEqual([]);
    expect(before.checks.map(({ name }) => name.replace('earlier upgrade: ', ''))).toEqual(
      [...NAMES, ...SCHEMAS].filter((name) => name !== 'database: pin lifted'),
    );
    const after = await check('after', API);
    expect(after).toMatchObject({ code: 0, ok: true });
    const detailOf = (wanted: string) => after.checks.find(({ name }) => name === wanted)?.detail;
    expect(detailOf('database: pin')).toContain(`are at version ${version}, as before. Either`);
    const revision = await sql('SELECT version_num FROM nova_cell1.alembic_version');
    expect(detailOf('database: cell1: schema')).toBe(`revision ${revision}, as before`);
    expect(detailOf('database: schemas of the cells')).toBe(`all cells have revision ${revision}`);
    expect(after.checks.filter(({ status }) => status === 'skip').map(({ name }) => name)).toEqual(
      NAMES.filter((name) => name.startsWith('database: cell1: ') || name.startsWith('database: pin')),
    );
  });

  it('passes for a user with SELECT only, and skips what that user cannot read', async () => {
    const lines = [asReader('nova_api'), `cell0 ${asReader('nova_cell0')}`, `cell1 ${asReader('nova_cell1')}`];
    const partial = await check('after', ...lines);
    expect(failures(partial)).toEqual([]);
    expect(partial.checks.map(({ name }) => name)).toEqual([
      ...NAMES,
      'database: schema',
      'database: online data migrations',
    ]);
    expect(partial.checks.slice(-2).map(({ status }) => status)).toEqual(['skip', 'skip']);
    await grant(MORE_GRANTS);
    const all = await check('after', ...lines);
    expect(failures(all)).toEqual([]);
    expect(all.checks.map(({ name }) => name)).toEqual([...NAMES, ...SCHEMAS]);
    expect(all.checks.at(-1)?.status).toBe('pass');
  });

  it('counts the rows left for an online data migration', async () => {
    const remove = () => sql("DELETE FROM nova_api.instance_mappings WHERE instance_uuid = 'left-behind'");
    await remove();
    try {
      await sql(
        "INSERT INTO nova_api.instance_mappings (instance_uuid, cell_id, project_id, queued_for_delete) SELECT 'left-behind', id, 'p', 0 FROM nova_api.cell_mappings WHERE name = 'cell1'",
      );
      const seen = await check('after', API);
      expect(seen).toMatchObject({ code: 1, ok: false });
      expect(failures(seen)).toEqual([
        'database: online data migrations: not done: populate_user_id: 1 row in API; run nova-manage db online_data_migrations until nothing is left to migrate',
      ]);
    } finally {
      await remove();
    }
  });

  it('names a cell with an old schema', async () => {
    const revision = await sql('SELECT version_num FROM nova_cell0.alembic_version');
    try {
      await sql("UPDATE nova_cell0.alembic_version SET version_num = 'older'");
      const seen = await check('after', API);
      expect(failures(seen)).toEqual([
        `database: schemas of the cells: they differ: older in cell0, ${revision} in cell1; run nova-manage db sync with the configuration of each cell`,
      ]);
    } finally {
      await sql(`UPDATE nova_cell0.alembic_version SET version_num = '${revision}'`);
    }
  });

  it('names the missing privilege to read the cells from the API database', async () => {
    expect(failures(await check('after', asReader('nova_api')))).toEqual([
      expect.stringMatching(
        /^database: cells: nova_api on 127\.0\.0\.1:3306: SELECT command denied .*'database_connection'.*: GRANT SELECT to user 'rollwatch_reader'$/,
      ),
    ]);
  });

  it('names a leftover record as the reason for the RPC pin', async () => {
    const uuid = 'd0d0d0d0-0000-4000-8000-000000000001';
    const remove = () => sql(`DELETE FROM nova_cell1.services WHERE uuid = '${uuid}'`);
    await remove();
    try {
      await sql(
        `INSERT INTO nova_cell1.services (created_at, last_seen_up, host, \`binary\`, topic, report_count, disabled, deleted, forced_down, version, uuid)
         VALUES (UTC_TIMESTAMP() - INTERVAL 9 DAY, UTC_TIMESTAMP() - INTERVAL 2 HOUR, 'left-behind', 'nova-compute', 'compute', 1, 1, 0, 0, ${version - 5}, '${uuid}')`,
      );
      const seen = await check('after', API);
      const record = `left-behind (version ${version - 5}, id ${uuid}, silent for 2 h 00 min)`;
      const remedy =
        'if the silent ones are gone for good, run openstack --os-compute-api-version 2.53 compute service delete ID';
      expect(seen).toMatchObject({ code: 1, ok: false });
      expect(failures(seen)).toEqual([
        `database: cell1: nova-compute: not yet upgraded: 1 record of 4 behind version ${version}: ${record}: ${remedy}`,
        `database: pin: do not send the SIGHUP yet: behind version ${version}: nova-compute on ${record} in cell1: ${remedy}`,
        'database: host mapping of left-behind: missing, so no server is scheduled there; run nova-manage cell_v2 discover_hosts',
      ]);
    } finally {
      await remove();
    }
  });

  it('reports a wrong password and a missing database in one line', async () => {
    const wrong = API.replace(`:${PASSWORD}@`, ':wr0ng@');
    expect(failures(await check('after', wrong))).toEqual([
      "database: cells: nova_api on 127.0.0.1:3306: login of user 'openstack' refused: wrong password, or the user is not allowed to connect from this host",
    ]);
    const elsewhere = [API, API.replace('nova_api', 'nova_cell0'), `cell1 ${API.replace('nova_api', 'keystone')}`];
    expect(failures(await check('after', ...elsewhere))).toEqual([
      "database: cell1: keystone on 127.0.0.1:3306: Table 'keystone.services' doesn't exist: is this the right database?",
      'database: pin: do not send the SIGHUP yet: cell1 could not be read',
    ]);
  });

  it('times out on a database that accepts the connection and sends nothing', async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      expect(failures(await check('after', API.replace(':3306', `:${port}`)))).toEqual([
        `database: cells: nova_api on 127.0.0.1:${port}: no answer within 10 s`,
      ]);
    } finally {
      server.close();
    }
  });

  it('cannot write, whatever the user may do', async () => {
    const address = parseDatabaseUrl(API);
    if (address.type !== 'ok') throw new Error(address.problem);
    const query = { sql: "UPDATE cell_mappings SET name = 'gone'", rows: z.unknown() };
    expect(await selectReadOnly(address.value, query, new AbortController().signal)).toEqual({
      type: 'failed',
      problem: 'nova_api on 127.0.0.1:3306: Cannot execute statement in a READ ONLY transaction',
    });
    expect(await sql('SELECT name FROM nova_api.cell_mappings ORDER BY id')).toBe('cell0\ncell1');
  });
});
