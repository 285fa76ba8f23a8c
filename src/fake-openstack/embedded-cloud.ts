import { randomBytes } from 'node:crypto';
import type { Millis } from '../domain/time.ts';
import { createTimeScale } from './clock.ts';
import { cloudsYaml, type EmbeddedCloud, type FakeCloudOptions, type LoggedRequest } from './cloud.ts';
import { openControlServer } from './control/control-server.ts';
import type { HttpFault } from './faults/http-faults.ts';
import { createOutageLog } from './faults/outage-log.ts';
import { createProcesses, type Frontend } from './faults/processes.ts';
import { runRollingUpgrade } from './faults/rolling-upgrade.ts';
import { createFixtures } from './fixtures.ts';
import { createGlance } from './glance/glance.ts';
import { createListener } from './http/listener.ts';
import type { Reply, RouteRequest } from './http/routes.ts';
import { createWorkers } from './http/workers.ts';
import { createCatalog, createIdentity } from './keystone/identity.ts';
import { createKeystone } from './keystone/keystone.ts';
import { createTokens, createTokenValidator } from './keystone/tokens.ts';
import { createNeutron } from './neutron/neutron.ts';
import { createSecurityGroups } from './neutron/security-groups.ts';
import { createNovaApi } from './nova/api.ts';
import { createOutageEffects } from './nova/effects.ts';
import { createServerLifecycle } from './nova/lifecycle.ts';
import { createHostRecords, createKeyPairs, createQuota, createServerGroups } from './nova/resources.ts';
import { createServers } from './nova/servers.ts';
import { createPlacement } from './placement/placement.ts';
import { HTTP_SERVICES, type HttpService, hostOf, isComputeService } from './services.ts';
import { choosePorts, urlsOf } from './tcp-ports.ts';

type Handler = (request: RouteRequest, signal: AbortSignal) => Promise<Reply>;

/**
 * Starts all services of an embedded cloud in this thread. Resolves when they accept requests.
 *
 * @throws UserError if a requested port is in use
 */
export async function startEmbeddedCloud(options: FakeCloudOptions = {}): Promise<EmbeddedCloud> {
  const { speed = 1, workers: workerCount = 2, keepAlive = true, tokenLifetime = 3600, pageLimit = 1000 } = options;
  const { softDelete = false } = options;
  const password = options.password ?? randomBytes(12).toString('base64url');
  const ports = await choosePorts(options.ports ?? {});
  const urls = urlsOf(ports);

  const closing = new AbortController();
  const closed = closing.signal;
  const timeScale = createTimeScale(speed, closed);
  const outageLog = createOutageLog();
  const identity = createIdentity(password);
  const tokens = createTokens(tokenLifetime);
  const fixtures = createFixtures();
  const servers = createServers();
  const quota = createQuota(options.quota ?? 10);
  const databaseDelay = { seconds: 0 };
  const handlers = new Map<HttpService, Handler>();
  const requestLog: LoggedRequest[] = [];

  function createFrontend(service: HttpService): Frontend {
    const workers = createWorkers(workerCount);
    const handle = async (request: RouteRequest): Promise<Reply> => {
      const handler = handlers.get(service);
      if (handler === undefined) return 'closed';
      try {
        return await workers.run((signal) => handler(request, signal));
      } catch (error) {
        // An AbortError means that the process ended or the cloud was closed. Anything else is a bug: do not hide it.
        const aborted = error instanceof Error && error.name === 'AbortError';
        if (!aborted) setImmediate(() => Promise.reject(error));
        return 'closed';
      }
    };
    return {
      workers,
      listener: createListener({ service, port: ports[service], keepAlive, timeScale, handle, log: requestLog }),
    };
  }

  const frontends: Readonly<Record<HttpService, Frontend>> = {
    keystone: createFrontend('keystone'),
    'nova-api': createFrontend('nova-api'),
    placement: createFrontend('placement'),
    glance: createFrontend('glance'),
    neutron: createFrontend('neutron'),
  };
  const processes = createProcesses({
    timeScale,
    outageLog,
    frontends,
    onStopped: (service) => service === 'memcached' && tokenValidator.clearCache(),
    onStarted: (service) => isComputeService(service) && lifecycle.computeStarted(service),
  });
  const tokenValidator = createTokenValidator({ tokens, processes, timeScale, keystoneUrl: urls.keystone });
  const hosts = createHostRecords(processes);
  const serverGroups = createServerGroups();
  const securityGroups = createSecurityGroups();
  const keyPairs = createKeyPairs();
  const lifecycle = createServerLifecycle({
    servers,
    processes,
    hosts,
    serverGroups,
    fixtures,
    timeScale,
    closed,
    softDelete,
  });
  const effects = createOutageEffects({ processes, timeScale, outageLog, workers: workerCount });
  const baseUrl = `http://127.0.0.1:${ports['nova-api']}`;
  const records = { servers, hosts, keyPairs, securityGroups, serverGroups, quota };
  const nova = {
    ...records,
    baseUrl,
    timeScale,
    fixtures,
    processes,
    lifecycle,
    effects,
    tokenValidator,
    pageLimit,
    databaseDelay,
  };

  const catalog = createCatalog(urls);
  handlers.set('keystone', createKeystone({ identity, tokens, catalog, timeScale, processes, url: urls.keystone }));
  handlers.set('nova-api', createNovaApi(nova));
  handlers.set('glance', createGlance({ url: urls.glance, fixtures, tokenValidator, timeScale }));
  handlers.set(
    'neutron',
    createNeutron({ ...records, url: urls.neutron, fixtures, owner: identity.owner, tokenValidator, timeScale }),
  );
  handlers.set('placement', createPlacement({ tokenValidator, timeScale, hosts }));

  const faultEnds = new Map<HttpService, (at: Millis) => void>();

  async function setFault(service: HttpService, fault: HttpFault | null): Promise<Millis> {
    const at = await frontends[service].listener.setFault(fault);
    faultEnds.get(service)?.(at);
    faultEnds.delete(service);
    if (fault !== null) {
      const { kind } = fault;
      const apiDown = service === 'nova-api' && kind !== 'slow' && kind !== 'rate-limit';
      faultEnds.set(service, outageLog.begin({ what: `${service}: ${kind}`, service, kind, from: at, apiDown }));
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
    async restart(service, stopOptions) {
      await processes.stop(service, stopOptions);
      return processes.start(service, stopOptions);
    },
    hup: processes.hup,
    setFault,
    injectedOutages: async () => outageLog.outages(),
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
    requests: async () => [...requestLog],
    async setTokenLifetime(seconds) {
      tokens.lifetime = seconds;
    },
    async setQuota(instances) {
      quota.setDefault(instances);
    },
    rollingUpgrade: (upgradeOptions = {}) =>
      runRollingUpgrade({ processes, outageLog, databaseDelay, closed }, upgradeOptions),
  };

  for (const service of HTTP_SERVICES) await frontends[service].listener.open();
  const control = await openControlServer(cloud, ports.control);

  return {
    ...cloud,
    async close() {
      closing.abort();
      for (const service of HTTP_SERVICES) {
        frontends[service].workers.killProcesses();
        await frontends[service].listener.close('destroy');
      }
      await control.close();
    },
  };
}
