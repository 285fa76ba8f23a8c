import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type CloudAccess,
  type CloudUser,
  passwordAuth,
  send,
  serverIdOf,
  signIn,
  userOf,
} from '../support/cloud-user.ts';

const serverListSchema = z.object({
  servers: z.array(
    z.object({ id: z.string(), name: z.string(), status: z.string().optional(), metadata: z.unknown().optional() }),
  ),
  servers_links: z.array(z.object({ rel: z.string(), href: z.string() })).optional(),
});

const serverSchema = z.object({
  server: z.object({
    status: z.string(),
    'OS-EXT-STS:task_state': z.string().nullable(),
    'OS-EXT-STS:vm_state': z.string(),
    addresses: z.record(z.string(), z.unknown()),
    fault: z.object({ code: z.number(), message: z.string() }).optional(),
  }),
});

const V2_53 = { microversion: '2.53' };

/** Tests what Rollwatch relies on, against any OpenStack. Creates servers `contract-...` and deletes them. */
export function cloudContract(name: string, connect: () => Promise<CloudAccess>): void {
  describe(`${name}: what Rollwatch relies on`, { timeout: 60_000 }, () => {
    let cloud: CloudAccess;
    let probe: CloudUser;
    let admin: CloudUser;
    const run = `contract-${process.pid}`;

    beforeAll(async () => {
      cloud = await connect();
      probe = await signIn(cloud);
      admin = await signIn(cloud, 'admin');
    }, 60_000);

    afterAll(async () => {
      const { servers } = serverListSchema.parse((await probe.ask('compute', `GET /servers?name=^${run}`)).body);
      await Promise.all(servers.map(({ id }) => probe.remove(id)));
      await cloud.close();
    }, 60_000);

    const compute = (request: string, ask: Parameters<CloudUser['ask']>[2] = V2_53) =>
      probe.ask('compute', request, ask);

    async function boot(suffix: string, how?: Parameters<CloudUser['create']>[1]): Promise<string> {
      const id = serverIdOf(await probe.create(`${run}-${suffix}`, how));
      await probe.until(id, (_answer, status) => status === 'ACTIVE' || status === 'ERROR');
      return id;
    }

    describe('Keystone', () => {
      it('issues a token with its expiry and a catalog of public endpoints', async () => {
        const answer = await send(`${cloud.authUrl}/auth/tokens`, 'POST', {
          body: passwordAuth('probe', cloud.password),
        });
        expect(answer.status).toBe(201);
        expect(answer.headers.get('x-subject-token')).toMatch(/^gAAAAA/);
        const { token } = z.object({ token: z.object({ expires_at: z.string() }) }).parse(answer.body);
        expect(Date.parse(token.expires_at)).toBeGreaterThan(Date.now());
        for (const type of ['identity', 'compute', 'image', 'network', 'placement']) {
          expect(userOf(answer).endpoint(type)).toMatch(/^http/);
        }
      });

      it('answers a wrong password with 401 and a WWW-Authenticate header', async () => {
        const answer = await send(`${cloud.authUrl}/auth/tokens`, 'POST', { body: passwordAuth('probe', 'wrong') });
        expect(answer.status).toBe(401);
        expect(answer.headers.get('www-authenticate')).toBe(`Keystone uri="${cloud.authUrl}"`);
        expect(answer.body).toEqual({
          error: { code: 401, message: 'The request you have made requires authentication.', title: 'Unauthorized' },
        });
      });

      it('answers an unknown project with 401, and an invalid body with 400', async () => {
        const auth = passwordAuth('probe', cloud.password);
        auth.auth.scope.project.name = 'nowhere';
        expect((await send(`${cloud.authUrl}/auth/tokens`, 'POST', { body: auth })).status).toBe(401);
        expect((await send(`${cloud.authUrl}/auth/tokens`, 'POST', { body: {} })).status).toBe(400);
        expect((await send(`${cloud.authUrl}/auth/tokens`, 'POST', { body: '{' })).status).toBe(400);
      });

      it('issues tokens for an application credential until it is deleted', async () => {
        const path = `/users/${probe.userId}/application_credentials`;
        const created = await probe.ask('identity', `POST ${path}`, {
          body: { application_credential: { name: run } },
        });
        expect(created.status).toBe(201);
        const { application_credential: credential } = z
          .object({ application_credential: z.object({ id: z.string(), secret: z.string() }) })
          .parse(created.body);
        const { id, secret } = credential;
        const body = {
          auth: { identity: { methods: ['application_credential'], application_credential: { id, secret } } },
        };
        const issued = await send(`${cloud.authUrl}/auth/tokens`, 'POST', { body });
        expect(issued.status).toBe(201);
        expect(userOf(issued).projectId).toBe(probe.projectId);
        expect((await probe.ask('identity', `DELETE ${path}/${id}`)).status).toBe(204);
        const gone = await send(`${cloud.authUrl}/auth/tokens`, 'POST', { body });
        expect(gone.body).toMatchObject({
          error: { code: 404, message: `Could not find Application Credential: ${id}.`, title: 'Not Found' },
        });
      });

      it('gives the expiry without a zone (UTC) if the application credential limits it', async () => {
        const path = `/users/${probe.userId}/application_credentials`;
        const end = new Date(Math.floor(Date.now() / 1000) * 1000 + 3_000);
        const expires_at = end.toISOString().slice(0, 19);
        const requested = { application_credential: { name: `${run}-short`, expires_at } };
        const created = await probe.ask('identity', `POST ${path}`, { body: requested });
        const { application_credential: credential } = z
          .object({ application_credential: z.object({ id: z.string(), secret: z.string() }) })
          .parse(created.body);
        const body = {
          auth: { identity: { methods: ['application_credential'], application_credential: credential } },
        };
        const sign = () => send(`${cloud.authUrl}/auth/tokens`, 'POST', { body });
        expect((await sign()).body).toMatchObject({ token: { expires_at } });
        await setTimeout(end.getTime() + 100 - Date.now());
        expect((await sign()).status).toBe(401);
        await probe.ask('identity', `DELETE ${path}/${credential.id}`);
      });

      it('rejects a revoked token, while Nova still accepts it', async () => {
        const other = await signIn(cloud);
        expect((await other.ask('compute', 'GET /servers')).status).toBe(200);
        const headers = { 'X-Subject-Token': other.token };
        expect((await probe.ask('identity', 'GET /auth/tokens', { headers })).status).toBe(200);
        expect((await probe.ask('identity', 'DELETE /auth/tokens', { headers })).status).toBe(204);
        expect((await probe.ask('identity', 'GET /auth/tokens', { headers })).status).toBe(404);
        expect((await other.ask('compute', 'GET /servers')).status).toBe(200);
      });
    });

    describe('Nova', () => {
      it('lists its versions without a token', async () => {
        const root = probe.endpoint('compute').replace(/\/v2\.1.*$/, '');
        const document = await send(`${root}/`, 'GET');
        expect(document.status).toBe(200);
        const { versions } = z
          .object({ versions: z.array(z.object({ id: z.string(), status: z.string(), version: z.string() })) })
          .parse(document.body);
        expect(versions.find(({ id }) => id === 'v2.1')).toMatchObject({ status: 'CURRENT', version: '2.93' });
        expect((await send(`${root}/v2.1/`, 'GET')).body).toMatchObject({
          version: { id: 'v2.1', min_version: '2.1' },
        });
      });

      it('rejects requests without a token or with a wrong one', async () => {
        const url = `${probe.endpoint('compute')}/servers`;
        for (const headers of [{}, { 'X-Auth-Token': 'wrong' }]) {
          const answer = await send(url, 'GET', { headers });
          expect(answer.status).toBe(401);
          expect(answer.headers.get('www-authenticate')).toBe(`Keystone uri="${cloud.authUrl}"`);
          expect(answer.body).toMatchObject({ error: { code: 401, title: 'Unauthorized' } });
        }
      });

      it('returns the request id and the microversion in headers', async () => {
        const answer = await compute('GET /servers/detail?limit=1000');
        expect(answer.status).toBe(200);
        expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
        expect(answer.headers.get('x-openstack-request-id')).toMatch(/^req-[0-9a-f-]{36}$/);
        expect(answer.headers.get('x-compute-request-id')).toBe(answer.headers.get('x-openstack-request-id'));
        expect(answer.headers.get('openstack-api-version')).toBe('compute 2.53');
        expect((await compute('GET /servers', {})).headers.get('openstack-api-version')).toBe('compute 2.1');
      });

      it('accepts the legacy microversion header', async () => {
        const answer = await compute('GET /servers', { headers: { 'X-OpenStack-Nova-API-Version': '2.25' } });
        expect(answer.headers.get('x-openstack-nova-api-version')).toBe('2.25');
      });

      it('answers a microversion out of range with 406, and an invalid one with 400', async () => {
        const answer = await compute('GET /servers', { microversion: '2.99' });
        expect(answer.status).toBe(406);
        expect(answer.body).toEqual({
          computeFault: {
            code: 406,
            message: 'Version 2.99 is not supported by the API. Minimum is 2.1 and maximum is 2.93.',
          },
        });
        expect((await compute('GET /servers', { microversion: 'newest' })).status).toBe(400);
      });

      it('answers unknown ids with 404 and the id in the fault', async () => {
        const id = '11111111-2222-3333-4444-555555555555';
        for (const method of ['GET', 'DELETE']) {
          const answer = await compute(`${method} /servers/${id}`);
          expect(answer.status).toBe(404);
          expect(answer.body).toEqual({ itemNotFound: { code: 404, message: `Instance ${id} could not be found.` } });
        }
        expect((await compute('GET /flavors/m1.probe')).body).toEqual({
          itemNotFound: { code: 404, message: 'Flavor m1.probe could not be found.' },
        });
        expect((await compute('GET /nothing')).status).toBe(404);
      });

      it('answers invalid queries and bodies with 400', async () => {
        for (const query of ['limit=-1', 'marker=nobody', 'name=(']) {
          expect((await compute(`GET /servers?${query}`)).body).toMatchObject({ badRequest: { code: 400 } });
        }
        for (const body of ['{', {}, { server: {} }, { server: { name: 'x' } }]) {
          expect((await compute('POST /servers', { ...V2_53, body })).body).toMatchObject({
            badRequest: { code: 400 },
          });
        }
      });

      it('lets only administrators list services and the servers of other projects', async () => {
        expect((await compute('GET /os-services')).body).toEqual({
          forbidden: { code: 403, message: "Policy doesn't allow os_compute_api:os-services:list to be performed." },
        });
        expect((await compute('GET /servers?all_tenants=1')).status).toBe(403);
        const answer = await admin.ask('compute', 'GET /os-services', V2_53);
        const { services } = z
          .object({ services: z.array(z.object({ binary: z.string(), state: z.string() })) })
          .parse(answer.body);
        expect(services.filter(({ binary }) => binary === 'nova-compute')).toHaveLength(3);
        expect((await admin.ask('compute', 'GET /servers?all_tenants=1', V2_53)).status).toBe(200);
      });

      it('returns the size of each flavor', async () => {
        const { flavors } = z
          .object({
            flavors: z.array(z.object({ name: z.string(), ram: z.number(), vcpus: z.number(), disk: z.number() })),
          })
          .parse((await compute('GET /flavors/detail')).body);
        expect(flavors.find(({ name: one }) => one === 'm1.probe')).toEqual({
          name: 'm1.probe',
          ram: 64,
          vcpus: 1,
          disk: 1,
        });
        expect(flavors.map(({ name: one }) => one).sort()).toEqual(['m1.nowhere', 'm1.probe', 'm1.probe2']);
      });
    });

    describe('key pairs', () => {
      it('belong to a user, have unique names and can be deleted', async () => {
        const name = `${run} key`;
        const public_key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl x';
        const make = (keypair: object) => compute('POST /os-keypairs', { ...V2_53, body: { keypair } });
        const remove = () => compute(`DELETE /os-keypairs/${encodeURIComponent(name)}`);
        const created = await make({ name, public_key });
        expect([created.status, created.body]).toEqual([
          201,
          {
            keypair: {
              ...{ name, public_key, type: 'ssh', user_id: probe.userId },
              fingerprint: '65:96:2d:fc:e8:d5:a9:11:64:0c:0f:ea:00:6e:5b:bd',
            },
          },
        ]);
        expect((await make({ name, public_key })).body).toEqual({
          conflictingRequest: { code: 409, message: `Key pair '${name}' already exists.` },
        });
        expect((await make({ name: `${run} none`, public_key: 'nonsense' })).status).toBe(400);
        const names = async (who: CloudUser) =>
          z
            .object({ keypairs: z.array(z.object({ keypair: z.object({ name: z.string() }) })) })
            .parse((await who.ask('compute', 'GET /os-keypairs', V2_53)).body)
            .keypairs.map(({ keypair }) => keypair.name);
        expect(await names(probe)).toContain(name);
        expect(await names(admin)).not.toContain(name);
        expect((await remove()).status).toBe(204);
        expect((await remove()).body).toEqual({
          itemNotFound: { code: 404, message: `Keypair ${name} not found for user ${probe.userId}` },
        });
      });
    });

    describe('hosts', () => {
      const placement = { headers: { 'OpenStack-API-Version': 'placement 1.14' } };

      it('each have a service, a hypervisor and a resource provider, which only administrators see', async () => {
        const hypervisors = await admin.ask('compute', 'GET /os-hypervisors/detail', V2_53);
        const { hypervisors: nodes } = z
          .object({
            hypervisors: z.array(
              z.object({ id: z.string(), hypervisor_hostname: z.string(), service: z.object({ host: z.string() }) }),
            ),
          })
          .parse(hypervisors.body);
        expect(nodes.map(({ service }) => service.host).toSorted()).toEqual(['compute1', 'compute2', 'compute3']);
        const providers = await admin.ask('placement', 'GET /resource_providers', placement);
        const { resource_providers: known } = z
          .object({
            resource_providers: z.array(
              z.object({ uuid: z.string(), name: z.string(), parent_provider_uuid: z.null() }),
            ),
          })
          .parse(providers.body);
        expect(known.map(({ uuid, name: node }) => `${uuid} ${node}`).toSorted()).toEqual(
          nodes.map(({ id, hypervisor_hostname: node }) => `${id} ${node}`).toSorted(),
        );
        expect((await compute('GET /os-hypervisors/detail')).status).toBe(403);
        expect((await probe.ask('placement', 'GET /resource_providers', placement)).status).toBe(403);
      });

      it('get no servers while disabled', async () => {
        const services = z.object({
          services: z.array(
            z.object({ id: z.string(), host: z.string(), status: z.string(), disabled_reason: z.string().nullable() }),
          ),
        });
        const path = 'GET /os-services?binary=nova-compute';
        const all = services.parse((await admin.ask('compute', path, V2_53)).body).services;
        const others = all.filter(({ host }) => host !== 'compute3');
        const change = (id: string, body: object) => admin.ask('compute', `PUT /os-services/${id}`, { ...V2_53, body });
        try {
          for (const { id } of others) {
            const changed = await change(id, { status: 'disabled', disabled_reason: 'a test' });
            expect(changed.status).toBe(200);
          }
          const seen = services.parse((await admin.ask('compute', path, V2_53)).body).services;
          expect(seen.find(({ host }) => host === 'compute1')).toMatchObject({
            ...{ status: 'disabled', disabled_reason: 'a test' },
          });
          const id = serverIdOf(await admin.create(`${run}-only`));
          const booted = await admin.until(id, (_answer, status) => status === 'ACTIVE');
          expect(booted.body).toMatchObject({ server: { 'OS-EXT-SRV-ATTR:host': 'compute3' } });
          await admin.remove(id);
        } finally {
          for (const { id } of others) await change(id, { status: 'enabled' });
        }
        expect(
          (await compute(`PUT /os-services/${all[0]?.id}`, { ...V2_53, body: { status: 'disabled' } })).status,
        ).toBe(403);
      });
    });

    describe('Glance and Neutron', () => {
      it('list what a server can boot from', async () => {
        const images = await probe.ask('image', 'GET /v2/images?status=active');
        expect(images.body).toMatchObject({
          images: expect.arrayContaining([expect.objectContaining({ name: 'probe', status: 'active', size: 29 })]),
        });
        expect(images.headers.get('x-openstack-request-id')).toMatch(/^req-/);
        const networks = await probe.ask('network', 'GET /v2.0/networks');
        expect(networks.body).toMatchObject({
          networks: [expect.objectContaining({ name: 'probe-net', 'router:external': false, shared: true })],
        });
        expect((await send(`${probe.endpoint('image')}/v2/images`, 'GET')).status).toBe(401);
        expect((await send(`${probe.endpoint('network')}/v2.0/networks`, 'GET')).status).toBe(401);
      });
    });

    describe('a server', () => {
      it('goes from BUILD to ACTIVE, and to 404 after its deletion', async () => {
        const created = await probe.create(`${run}-way`);
        expect(created.status).toBe(202);
        const id = serverIdOf(created);
        expect(created.headers.get('location')).toBe(`${probe.endpoint('compute')}/servers/${id}`);
        const first = serverSchema.parse((await compute(`GET /servers/${id}`)).body).server;
        expect([first.status, first['OS-EXT-STS:vm_state']]).toEqual(['BUILD', 'building']);
        const active = serverSchema.parse((await probe.until(id, (_answer, status) => status !== 'BUILD')).body).server;
        expect([active.status, active['OS-EXT-STS:vm_state'], active['OS-EXT-STS:task_state']]).toEqual([
          'ACTIVE',
          'active',
          null,
        ]);
        expect(Object.keys(active.addresses)).toEqual(['probe-net']);
        const removed = await compute(`DELETE /servers/${id}`);
        expect([removed.status, removed.text]).toEqual([204, '']);
        await probe.until(id, ({ status }) => status === 404);
        expect((await compute(`DELETE /servers/${id}`)).status).toBe(404);
      });

      it.each([
        ['auto', 1],
        ['none', 0],
      ])('boots with the networks "%s"', async (networks, count) => {
        const id = await boot(networks, { networks });
        const { server } = serverSchema.parse((await compute(`GET /servers/${id}`)).body);
        expect([server.status, Object.keys(server.addresses).length]).toEqual(['ACTIVE', count]);
        await probe.remove(id);
      });

      it('is listed by name, with its metadata, page by page', async () => {
        const ids = [];
        for (const part of ['a', 'b', 'c']) {
          ids.push(serverIdOf(await probe.create(`${run}-list-${part}`, { metadata: { part } })));
        }
        // Nova lists the servers that are in no cell yet before all others, so pages agree only once all are built.
        await Promise.all(ids.map((id) => probe.until(id, (_answer, status) => status === 'ACTIVE')));
        const path = `/servers/detail?name=^${run}-list-`;
        const all = serverListSchema.parse((await compute(`GET ${path}`)).body);
        const parts = [{ part: 'a' }, { part: 'b' }, { part: 'c' }];
        expect(all.servers.map(({ metadata }) => metadata)).toEqual(expect.arrayContaining(parts));
        // The order of servers created within a second is undefined in Nova, but the same for every page.
        const order = all.servers.map(({ id }) => id);
        expect(order.toSorted()).toEqual(ids.toSorted());
        const page = serverListSchema.parse((await compute(`GET ${path}&limit=2`)).body);
        expect(page.servers.map(({ id }) => id)).toEqual(order.slice(0, 2));
        expect(page.servers_links?.map(({ rel }) => rel)).toEqual(['next']);
        const next = new URL(page.servers_links?.[0]?.href ?? '');
        const rest = serverListSchema.parse((await compute(`GET /servers/detail${next.search}`)).body);
        expect(rest.servers.map(({ id }) => id)).toEqual(order.slice(2));
        const brief = serverListSchema.parse((await compute(`GET /servers?name=^${run}-list-b$`)).body);
        expect(brief.servers.map(({ name: one }) => one)).toEqual([`${run}-list-b`]);
        await Promise.all(ids.map((id) => probe.remove(id)));
      });

      it('that fits on no host is accepted, ends in ERROR with a fault, and can be deleted', async () => {
        const created = await probe.create(`${run}-nowhere`, { nowhere: true });
        expect(created.status).toBe(202);
        const id = serverIdOf(created);
        const { server } = serverSchema.parse((await probe.until(id, (_answer, status) => status === 'ERROR')).body);
        expect(server.fault).toMatchObject({ code: 500, message: 'No valid host was found. ' });
        await probe.remove(id);
      });

      it('can be paused, but not twice', async () => {
        const id = await boot('pause');
        const pause = () => compute(`POST /servers/${id}/action`, { ...V2_53, body: { pause: null } });
        expect((await pause()).status).toBe(202);
        await probe.until(id, (_answer, status) => status === 'PAUSED');
        const again = await pause();
        expect([again.status, again.body]).toEqual([
          409,
          {
            conflictingRequest: { code: 409, message: `Cannot 'pause' instance ${id} while it is in vm_state paused` },
          },
        ]);
        const strange = await compute(`POST /servers/${id}/action`, { ...V2_53, body: { fly: null } });
        expect(strange.body).toEqual({ badRequest: { code: 400, message: 'There is no such action: fly' } });
        await probe.remove(id);
      });

      it('goes through rescue, shelve and resize and back, with the status of each', async () => {
        const id = await boot('actions');
        const act = (body: object) => compute(`POST /servers/${id}/action`, { ...V2_53, body });
        const state = async (until: string) => {
          const answer = await probe.until(id, ({ body }, status) => {
            const parsed = serverSchema.safeParse(body);
            return parsed.success && status === until && parsed.data.server['OS-EXT-STS:task_state'] === null;
          });
          return serverSchema.parse(answer.body).server['OS-EXT-STS:vm_state'];
        };
        const rescue = await act({ rescue: null });
        expect([rescue.status, rescue.body]).toEqual([200, { adminPass: expect.any(String) }]);
        expect(await state('RESCUE')).toBe('rescued');
        expect((await act({ unrescue: null })).status).toBe(202);
        expect(await state('ACTIVE')).toBe('active');

        expect((await act({ shelve: null })).status).toBe(202);
        expect(await state('SHELVED_OFFLOADED')).toBe('shelved_offloaded');
        expect((await compute(`GET /servers/${id}`)).body).toMatchObject({ server: { hostId: '' } });
        expect((await act({ unshelve: null })).status).toBe(202);
        expect(await state('ACTIVE')).toBe('active');

        const { flavors } = z
          .object({ flavors: z.array(z.object({ id: z.string(), name: z.string() })) })
          .parse((await compute('GET /flavors')).body);
        const flavorRef = flavors.find((one) => one.name === 'm1.probe2')?.id;
        const flavorOf = async () => (await compute(`GET /servers/${id}`, { microversion: '2.47' })).body;
        expect((await act({ resize: { flavorRef } })).status).toBe(202);
        expect(await state('VERIFY_RESIZE')).toBe('resized');
        expect(await flavorOf()).toMatchObject({ server: { flavor: { original_name: 'm1.probe2' } } });
        expect((await act({ revertResize: null })).status).toBe(202);
        expect(await state('ACTIVE')).toBe('active');
        expect(await flavorOf()).toMatchObject({ server: { flavor: { original_name: 'm1.probe' } } });
        const unshelve = await act({ unshelve: null });
        expect(unshelve.body).toEqual({
          conflictingRequest: {
            code: 409,
            message: `Cannot 'unshelve' instance ${id} while it is in vm_state active`,
          },
        });
        await probe.remove(id);
      });

      it('can be added to and removed from a security group, which cannot be deleted while in use', async () => {
        const id = await boot('groups');
        const group = `${run}-group`;
        const act = (body: object) => compute(`POST /servers/${id}/action`, { ...V2_53, body });
        const created = await probe.ask('network', 'POST /v2.0/security-groups', {
          body: { security_group: { name: group, description: 'for the contract test' } },
        });
        expect(created.status).toBe(201);
        const { id: groupId } = z
          .object({ security_group: z.object({ id: z.string(), description: z.literal('for the contract test') }) })
          .parse(created.body).security_group;
        const remove = () => probe.ask('network', `DELETE /v2.0/security-groups/${groupId}`);
        const rule = { security_group_id: groupId, direction: 'ingress', protocol: 'tcp', port_range_min: 22 };
        const ruled = await probe.ask('network', 'POST /v2.0/security-group-rules', {
          body: { security_group_rule: { ...rule, port_range_max: 22 } },
        });
        expect(ruled.status).toBe(201);
        const groups = async () =>
          z
            .object({ server: z.object({ security_groups: z.array(z.object({ name: z.string() })) }) })
            .parse((await compute(`GET /servers/${id}`)).body)
            .server.security_groups.map((one) => one.name)
            .toSorted();
        expect((await act({ addSecurityGroup: { name: group } })).status).toBe(202);
        expect(await groups()).toEqual([group, 'default'].toSorted());
        const used = await remove();
        expect([used.status, used.body]).toEqual([
          409,
          {
            NeutronError: { type: 'SecurityGroupInUse', message: `Security Group ${groupId} in use.`, detail: '' },
          },
        ]);
        expect((await act({ removeSecurityGroup: { name: group } })).status).toBe(202);
        expect((await act({ removeSecurityGroup: { name: group } })).body).toEqual({
          itemNotFound: {
            code: 404,
            message: `Security group ${group} not associated with the instance ${id}`,
          },
        });
        expect(await groups()).toEqual(['default']);
        expect((await remove()).status).toBe(204);
        expect((await remove()).status).toBe(404);
        await probe.remove(id);
      });

      it('respects an anti-affinity group; only administrators can force a host', async () => {
        const requested = { server_group: { name: `${run}-apart`, policies: ['anti-affinity'] } };
        const created = await compute('POST /os-server-groups', { ...V2_53, body: requested });
        const { id: group } = z
          .object({ server_group: z.object({ id: z.string(), policies: z.tuple([z.literal('anti-affinity')]) }) })
          .parse(created.body).server_group;
        const ids: string[] = [];
        try {
          const places = new Set<string>();
          for (let count = 0; count < 4; count++) {
            const id = serverIdOf(await probe.create(`${run}-apart-${count}`, { group }));
            ids.push(id);
            const wanted = count < 3 ? 'ACTIVE' : 'ERROR';
            const answer = await probe.until(id, (_answer, status) => status === wanted);
            if (count < 3)
              places.add(z.object({ server: z.object({ hostId: z.string() }) }).parse(answer.body).server.hostId);
            else expect(serverSchema.parse(answer.body).server.fault?.message).toMatch(/^No valid host was found\./);
          }
          expect(places.size).toBe(3);
        } finally {
          for (const id of ids) await probe.remove(id);
          expect((await compute(`DELETE /os-server-groups/${group}`)).status).toBe(204);
        }
        expect((await compute(`DELETE /os-server-groups/${group}`)).status).toBe(404);
        const refused = await probe.create(`${run}-forced`, { zone: 'nova:compute2' });
        expect(refused.body).toEqual({
          forbidden: {
            code: 403,
            message: "Policy doesn't allow os_compute_api:servers:create:forced_host to be performed.",
          },
        });
        const id = serverIdOf(await admin.create(`${run}-forced`, { zone: 'nova:compute2' }));
        const forced = await admin.until(id, (_answer, status) => status === 'ACTIVE');
        expect(forced.body).toMatchObject({ server: { 'OS-EXT-SRV-ATTR:host': 'compute2' } });
        await admin.remove(id);
      });

      it('beyond the quota is rejected with 403', async () => {
        const quota = (instances: number) =>
          admin.ask('compute', `PUT /os-quota-sets/${admin.projectId}`, { body: { quota_set: { instances } } });
        expect((await quota(0)).status).toBe(200);
        try {
          const refused = await admin.create(`${run}-quota`);
          expect([refused.status, refused.body]).toEqual([
            403,
            {
              forbidden: {
                code: 403,
                message: 'Quota exceeded for instances: Requested 1, but already used 0 of 0 instances',
              },
            },
          ]);
        } finally {
          await quota(10);
        }
      });
    });
  });
}
