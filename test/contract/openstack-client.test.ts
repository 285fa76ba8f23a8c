import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { isMissing, tool } from '../support/requirements.ts';

const rows = z.array(z.record(z.string(), z.unknown()));
const row = z.record(z.string(), z.unknown());

describe.skipIf(isMissing(tool('openstack', 'python3-openstackclient')))(
  'the unmodified openstack client on the embedded cloud',
  { timeout: 60_000 },
  () => {
    let cloud: EmbeddedCloud;
    const home = mkdtempSync(join(tmpdir(), 'rollwatch-client-'));

    beforeAll(async () => {
      cloud = await startCloudWorker({ speed: 4 });
      writeFileSync(join(home, 'clouds.yaml'), cloud.cloudsYaml());
    });
    afterAll(async () => {
      await cloud.close();
      rmSync(home, { recursive: true });
    });

    /** Returns the output of the client. Rejects if the client exits with an error. */
    async function run(command: string, user = 'embedded'): Promise<string> {
      const env = {
        PATH: process.env['PATH'],
        HOME: home,
        OS_CLIENT_CONFIG_FILE: join(home, 'clouds.yaml'),
        OS_CLOUD: user,
      };
      const { stdout } = await promisify(execFile)('openstack', command.split(' '), { env });
      return stdout.trim();
    }

    const openstack = async (command: string, user?: string): Promise<unknown> =>
      JSON.parse(await run(`${command} -f json`, user));

    it('gets a token and the catalog', async () => {
      expect(row.parse(await openstack('token issue'))['id']).toMatch(/^gAAAAA/);
      const catalog = rows.parse(await openstack('catalog list'));
      expect(catalog.map((one) => one['Name']).sort()).toEqual(['glance', 'keystone', 'neutron', 'nova', 'placement']);
    });

    it.each([
      ['flavor', ['m1.nowhere', 'm1.probe', 'm1.probe2'], 'm1.probe'],
      ['image', ['probe', 'probe2'], 'probe'],
      ['network', ['probe-net'], 'probe-net'],
    ])('lists and shows each %s', async (kind, names, one) => {
      const list = rows.parse(await openstack(`${kind} list`));
      expect(list.map((each) => each['Name']).sort()).toEqual(names);
      expect(row.parse(await openstack(`${kind} show ${one}`))['name']).toBe(one);
    });

    it('creates a server, lists and shows it, and deletes it, each time waiting for the end', async () => {
      const create = 'server create --flavor m1.probe --image probe --network probe-net --property a=b --wait one';
      expect(row.parse(await openstack(create))).toMatchObject({ name: 'one', status: 'ACTIVE' });
      const list = rows.parse(await openstack('server list'));
      expect(list).toMatchObject([{ Name: 'one', Status: 'ACTIVE', Flavor: 'm1.probe', Image: 'probe' }]);
      expect(row.parse(await openstack('server show one'))).toMatchObject({ properties: { a: 'b' } });
      await run('server delete --wait one');
      expect(await openstack('server list')).toEqual([]);
    });

    it('reports the fault of a server that fits on no host', async () => {
      const create = 'server create --flavor m1.nowhere --image probe --network probe-net --wait nowhere';
      expect(await run(create)).toMatch(/^Error creating server/);
      const shown = row.parse(await openstack('server show nowhere'));
      expect(shown).toMatchObject({ status: 'ERROR', fault: { message: 'No valid host was found. ' } });
      await run('server delete --wait nowhere');
    });

    it('lists the compute services for an operator', async () => {
      const services = rows.parse(await openstack('compute service list', 'embedded-admin'));
      expect(services.map((one) => `${one['Binary']} ${one['Host']} ${one['State']}`)).toEqual([
        'nova-conductor controller up',
        'nova-scheduler controller up',
        'nova-compute compute1 up',
        'nova-compute compute2 up',
        'nova-compute compute3 up',
      ]);
      await expect(openstack('compute service list')).rejects.toThrow('403');
    });
  },
);
