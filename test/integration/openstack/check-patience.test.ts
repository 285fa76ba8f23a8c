/** How `check` handles an API that is slow, briefly unavailable or still uses what is to be deleted. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { cleanUp } from '../../../src/checks/resources/clean.ts';
import { ensureSurvivors, type SurvivorOptions } from '../../../src/checks/survivors/ensure-survivors.ts';
import { compareSurvivors } from '../../../src/checks/survivors/survivors.ts';
import { checkResourceDescription } from '../../../src/domain/check-resources.ts';
import type { EmbeddedCloud } from '../../../src/fake-openstack/cloud.ts';
import { startEmbeddedCloud } from '../../../src/fake-openstack/embedded-cloud.ts';
import { openCloud } from '../../../src/openstack/cloud.ts';
import { accessTo } from '../../support/cloud-access.ts';
import { type Script, type ScriptedCloud, serveScriptedCloud } from '../../support/scripted-cloud.ts';

const clock = { now: () => performance.timeOrigin + performance.now() };
const { signal } = new AbortController();
const timeouts = { connect: 1000, response: 1000 };

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe('survivors', { timeout: 60_000 }, () => {
  async function start(): Promise<{ embedded: EmbeddedCloud; options: SurvivorOptions }> {
    const embedded = await startEmbeddedCloud({ speed: 10 });
    const cloud = openCloud({ access: accessTo(embedded), clock });
    closing.push(
      () => embedded.close(),
      async () => cloud.close(),
    );
    const wanted = { flavor: null, image: null, network: null, volume: null };
    const onProgress = () => {};
    const limits = { timeouts, signal };
    const options = { cloud, admin: null, vantage: 'v', wanted, count: 2, login: null, onProgress, ...limits };
    return { embedded, options };
  }

  it.each(['refuse', 'hang', 'lb-503', 'http-500', 'reset'] as const)(
    'are created and compared although nova-api first answers with: %s',
    async (kind) => {
      const { embedded, options } = await start();
      const away = async <T>(work: () => Promise<T>) => {
        await embedded.setFault('nova-api', { kind });
        const working = work();
        await delay(1500);
        await embedded.setFault('nova-api', null);
        return working;
      };
      const survivors = await away(() => ensureSurvivors(options));
      expect(survivors.checks.filter(({ status }) => status !== 'pass')).toEqual([]);
      expect((await embedded.servers()).map(({ name }) => name).toSorted()).toEqual([
        'rollwatch-check-survivor-1',
        'rollwatch-check-survivor-2',
      ]);
      const compared = await away(() => compareSurvivors(options, survivors.servers));
      expect(compared.checks.filter(({ status }) => status !== 'pass')).toEqual([]);
      expect(compared.servers).toHaveLength(2);
    },
  );

  it('whose create is never answered is found by name and created once', async () => {
    const { embedded, options } = await start();
    await embedded.stop('rabbitmq');
    const making = ensureSurvivors({ ...options, count: 1 });
    await delay(2500);
    await embedded.start('rabbitmq');
    const survivors = await making;
    expect(survivors.checks.filter(({ status }) => status !== 'pass')).toEqual([]);
    expect((await embedded.servers()).map(({ name }) => name)).toEqual(['rollwatch-check-survivor-1']);
  });
});

describe('check clean', { timeout: 60_000 }, () => {
  const group = { id: 'g1', name: 'rollwatch-check-group-x', description: checkResourceDescription('temporary', 'v') };

  async function serve(script: Script): Promise<ScriptedCloud> {
    const scripted = await serveScriptedCloud((request) => {
      const { path } = request;
      const own = script(request);
      if (own !== null) return own;
      if (path.includes('/servers/detail')) return { status: 200, body: { servers: [] } };
      if (path.includes('/floatingips')) return { status: 200, body: { floatingips: [] } };
      if (path.includes('/security-groups')) return { status: 200, body: { security_groups: [] } };
      if (path.includes('/os-server-groups')) return { status: 200, body: { server_groups: [] } };
      return path.includes('/os-keypairs') ? { status: 200, body: { keypairs: [] } } : null;
    });
    closing.push(() => scripted.close());
    return scripted;
  }

  const IN_USE = {
    status: 409,
    body: { NeutronError: { type: 'SecurityGroupInUse', message: 'Security Group g1 in use.', detail: '' } },
  };

  it('treats a group whose delete was rejected as gone if the next list does not have it', async () => {
    let lists = 0;
    const { cloud } = await serve(({ method, path }) => {
      if (!path.includes('/security-groups')) return null;
      if (method === 'DELETE') return IN_USE;
      lists++;
      return { status: 200, body: { security_groups: lists === 1 ? [group] : [] } };
    });
    expect(await cleanUp(cloud, 'v', { timeouts, signal })).toEqual([
      { name: 'clean cloud: rollwatch-check-group-x', status: 'pass', detail: 'g1 deleted' },
    ]);
  });

  it('deletes a group again that its port keeps in use for long', async () => {
    const began = performance.now();
    let there = true;
    const { cloud } = await serve(({ method, path }) => {
      if (!path.includes('/security-groups')) return null;
      if (method === 'GET') return { status: 200, body: { security_groups: there ? [group] : [] } };
      if (performance.now() - began < 5000) return IN_USE;
      there = false;
      return { status: 204 };
    });
    const checks = await cleanUp(cloud, 'v', { timeouts, signal });
    expect(checks.map(({ status }) => status)).toEqual(['pass']);
    expect(there).toBe(false);
  });

  it.each(['/servers/detail', '/floatingips', '/security-groups', '/os-server-groups', '/os-keypairs'])(
    'reports no failure for one slow answer to %s',
    async (place) => {
      let asked = 0;
      const { cloud } = await serve(({ path }) => {
        if (!path.includes(place)) return null;
        asked++;
        return asked === 1 ? { status: 503, body: 'busy' } : null;
      });
      const checks = await cleanUp(cloud, 'v', { timeouts, signal });
      expect(checks).toEqual([{ name: 'clean cloud', status: 'pass', detail: 'nothing to delete' }]);
    },
  );

  it('reports what could not be deleted or listed', async () => {
    const { cloud } = await serve(({ method, path }) => {
      if (path.includes('/os-keypairs')) return { status: 403, body: { forbidden: { code: 403, message: 'no' } } };
      if (!path.includes('/security-groups')) return null;
      return method === 'DELETE' ? IN_USE : { status: 200, body: { security_groups: [group] } };
    });
    const checks = await cleanUp(cloud, 'v', { timeouts, signal });
    expect(checks.map(({ name, status }) => [name, status])).toEqual([
      ['clean cloud: rollwatch-check-group-x', 'fail'],
      ['clean cloud', 'fail'],
    ]);
  });
});
