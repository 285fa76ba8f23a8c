import type { SamplerWorkerData } from '../../src/daemon/sampler-worker.ts';

type BenchCloud = SamplerWorkerData['clouds'][number];

/** The time limit of requests in benchmarks, in milliseconds. */
export const TIMEOUT_MS = 10_000;

const PILOT = {
  enabled: true,
  interval: 100,
  slow: 1000,
  afterFailure: { interval: 30, limit: 60_000 },
  timeout: TIMEOUT_MS,
} as const;

/** Returns the sampler's settings of `count` clouds: server-list at 1 Hz over both connections, no boots. */
export function benchClouds(
  { authUrl, password }: { readonly authUrl: string; readonly password: string },
  { count = 1, pilot = false }: { readonly count?: number; readonly pilot?: boolean } = {},
): readonly BenchCloud[] {
  const afterFailure = { interval: 100, limit: 60_000 };
  const paced = { interval: 1000, slow: 500, afterFailure, timeout: TIMEOUT_MS };
  const boot = {
    activeTimeout: 15_000,
    deleteTimeout: 30_000,
    poll: 250,
    requestTimeout: 10_000,
    flavor: null,
    image: null,
    volume: null,
  };
  const bootOptions = { network: null, availabilityZone: null, namePrefix: 'rollwatch-', maxStuck: 5 };
  const account = { name: 'probe', domain: { name: 'Default' } };
  return Array.from({ length: count }, (_, index) => ({
    access: {
      name: count === 1 ? 'embedded' : `cloud-${index}`,
      authUrl,
      auth: { type: 'password', user: account, password, project: account },
      regionName: null,
      interface: 'public',
      interfaces: {},
      tls: { ca: null, cert: null, key: null, verify: true },
      overrides: {},
      computeMicroversion: null,
      apiTimeout: null,
    },
    adminAccess: null,
    probes: {
      'server-list': { ...paced, enabled: true, detail: true, limit: 100, connections: ['reused', 'new'] },
      ...(pilot ? { pilot: PILOT } : {}),
      'server-boot': { ...paced, ...boot, ...bootOptions, enabled: false },
    },
  }));
}
