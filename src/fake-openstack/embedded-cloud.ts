import { randomBytes } from 'node:crypto';
import type { Millis } from '../domain/time.ts';
import { Refusal } from '../domain/user-error.ts';
import type { CloudOptions, EmbeddedCloud, LoggedRequest } from './cloud.ts';
import { cloudsYaml } from './clouds-yaml.ts';
import { openControl } from './control/control.ts';
import type { Fault } from './faults/fault.ts';
import { createProcesses, type Front } from './faults/processes.ts';
import { rehearse } from './faults/rolling-upgrade.ts';
import { createTruth } from './faults/truth.ts';
import { createOffer } from './fixtures.ts';
import { freePort, isFree } from './free-port.ts';
import { createGlance } from './glance/glance.ts';
import type { Reply, Request } from './http/answer.ts';
import { createListener } from './http/listener.ts';
import { createWorkers } from './http/workers.ts';
import { createCatalogue, type Urls } from './keystone/catalogue.ts';
import { createIdentity } from './keystone/identity.ts';
import { createKeystone } from './keystone/keystone.ts';
import { createTokenCheck } from './keystone/token-check.ts';
import { createTokens } from './keystone/tokens.ts';
import { createNeutron } from './neutron/neutron.ts';
import { createSecurityGroups } from './neutron/security-groups.ts';
import { createNovaApi } from './nova/api.ts';
import { createNovaEffects } from './nova/effects.ts';
import { createHostRecords } from './nova/host-records.ts';
import { createKeyPairs } from './nova/key-pairs.ts';
import { createLifecycle } from './nova/lifecycle.ts';
import { createQuota } from './nova/quota.ts';
import { createServerGroups } from './nova/server-groups.ts';
import { createServers } from './nova/servers.ts';
import { createPlacement } from './placement/placement.ts';
import { HTTP_SERVICES, type HttpService, hostOf, isCompute } from './services.ts';
import { createPace } from './time-scale.ts';

type Handler = (request: Request, signal: AbortSignal) => Promise<Reply>;

/** Starts all services; resolves when they serve. Throws a `Refusal` where a port that was asked for is taken. */
export async function startEmbeddedCloud(options: CloudOptions = {}): Promise<EmbeddedCloud> {
  const { speed = 1, workers: workerCount = 2, keepAlive = true, tokenLifetime = 3600, pageLimit = 1000 } = options;
  const password = options.password ?? randomBytes(12).toString('base64url');
  const ports = await choosePorts(options.ports ?? {});
  const urls = urlsOf(ports);

  const end = new AbortController();
  const closed = end.signal;
  const pace = createPace(speed, closed);
  const truth = createTruth();
  const identity = createIdentity(password);
  const tokens = createTokens(tokenLifetime);
  const offer = createOffer();
  const servers = createServers();
  const quota = createQuota(options.quota ?? 10);
  const burden = { seconds: 0 };
  const handlers = new Map<HttpService, Handler>();
  const log: LoggedRequest[] = [];

  function front(service: HttpService): Front {
    const workers = createWorkers(workerCount);
    const handle = async (request: Request): Promise<Reply> => {
      const handler = handlers.get(service);
      if (handler === undefined) return 'closed';
      try {
        return await workers.run((signal) => handler(request, signal));
      } catch (error) {
        // Its process has ended, or the cloud closes. Anything else is a bug, and must not hide behind a lost connection.
        const ended = error instanceof Error && error.name === 'AbortError';
        if (!ended) setImmediate(() => Promise.reject(error));
        return 'closed';
      }
    };
    return { workers, listener: createListener({ service, port: ports[service], keepAlive, pace, handle, log }) };
  }

  const fronts: Readonly<Record<HttpService, Front>> = {
    keystone: front('keystone'),
    'nova-api': front('nova-api'),
    placement: front('placement'),
    glance: front('glance'),
    neutron: front('neutron'),
  };
  const processes = createProcesses({
    pace,
    truth,
    fronts,
    onStopped: (service) => service === 'memcached' && check.forget(),
    onStarted: (service) => isCompute(service) && lifecycle.computeStarted(service),
  });
  const check = createTokenCheck({ tokens, processes, pace, keystoneUrl: urls.keystone });
  const hosts = createHostRecords(processes);
  const serverGroups = createServerGroups();
  const securityGroups = createSecurityGroups();
  const keyPairs = createKeyPairs();
  const { softDelete = false } = options;
  const lifecycle = createLifecycle({ servers, processes, hosts, serverGroups, offer, pace, closed, softDelete });
  const effects = createNovaEffects({ processes, pace, truth, workers: workerCount });
  const root = `http://127.0.0.1:${ports['nova-api']}`;
  const kept = { servers, hosts, keyPairs, securityGroups, serverGroups, quota };
  const nova = { ...kept, root, pace, offer, processes, lifecycle, effects, check, pageLimit, burden };

  const catalogue = createCatalogue(urls);
  handlers.set('keystone', createKeystone({ identity, tokens, catalogue, pace, processes, url: urls.keystone }));
  handlers.set('nova-api', createNovaApi(nova));
  handlers.set('glance', createGlance({ url: urls.glance, offer, check, pace }));
  handlers.set('neutron', createNeutron({ ...kept, url: urls.neutron, offer, owner: identity.owner, check, pace }));
  handlers.set('placement', createPlacement({ check, pace, hosts }));

  const scripted = new Map<HttpService, (at: Millis) => void>();

  async function setFault(service: HttpService, fault: Fault | null): Promise<Millis> {
    const at = await fronts[service].listener.setFault(fault);
    scripted.get(service)?.(at);
    scripted.delete(service);
    if (fault !== null) {
      const { kind } = fault;
      const apiDown = service === 'nova-api' && kind !== 'slow' && kind !== 'rate-limit';
      scripted.set(service, truth.begin({ what: `${service}: ${kind}`, service, kind, from: at, apiDown }));
    }
    return at;
  }

  const cloud: Omit<EmbeddedCloud, 'close'> = {
    ports,
    authUrl: urls.keystone,
    controlUrl: `http://127.0.0.1:${ports.control}`,
    password,
    cloudsYaml: () => cloudsYaml(urls.keystone, password),
    stop: processes.stop,
    kill: (service) => processes.stop(service, { kill: true }),
    start: processes.start,
    async restart(service, given) {
      await processes.stop(service, given);
      return processes.start(service, given);
    },
    hup: processes.hup,
    setFault,
    truth: async () => truth.entries(),
    status: async () => processes.status(),
    servers: async () =>
      servers.all().map(({ id, name, status, taskState, host, metadata }) => ({
        id,
        name,
        status,
        taskState,
        host: host === null ? null : hostOf(host),
        metadata,
      })),
    requests: async () => [...log],
    async setTokenLifetime(seconds) {
      tokens.lifetime = seconds;
    },
    async setQuota(instances) {
      quota.setAll(instances);
    },
    rollingUpgrade: (given = {}) => rehearse({ processes, truth, burden, closed }, given),
  };

  for (const service of HTTP_SERVICES) await fronts[service].listener.open();
  const control = await openControl(cloud, ports.control);

  return {
    ...cloud,
    async close() {
      end.abort();
      for (const service of HTTP_SERVICES) {
        fronts[service].workers.end();
        await fronts[service].listener.close('cut');
      }
      await control.close();
    },
  };
}

type Ports = EmbeddedCloud['ports'];

async function choosePorts(wanted: Partial<Ports>): Promise<Ports> {
  const taken = new Set<number>();
  const choose = async (name: keyof Ports): Promise<number> => {
    const port = wanted[name];
    if (port !== undefined && port !== 0 && (taken.has(port) || !(await isFree(port)))) {
      throw new Refusal(`port ${port} of 127.0.0.1, for ${name}, is in use: choose another one, or 0 for any`, 3);
    }
    const chosen = port === undefined || port === 0 ? await freePort(taken) : port;
    taken.add(chosen);
    return chosen;
  };
  return {
    keystone: await choose('keystone'),
    'nova-api': await choose('nova-api'),
    placement: await choose('placement'),
    glance: await choose('glance'),
    neutron: await choose('neutron'),
    control: await choose('control'),
  };
}

function urlsOf(ports: Ports): Urls {
  const root = (name: HttpService) => `http://127.0.0.1:${ports[name]}`;
  return {
    keystone: `${root('keystone')}/v3`,
    'nova-api': `${root('nova-api')}/v2.1`,
    placement: root('placement'),
    glance: root('glance'),
    neutron: root('neutron'),
  };
}
