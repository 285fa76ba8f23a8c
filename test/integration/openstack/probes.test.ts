import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeServer } from '../../../src/checks/resources/server-record.ts';
import type { CloudAccess } from '../../../src/domain/cloud-access.ts';
import type { Probe, ProbeResult } from '../../../src/domain/probe.ts';
import { secret } from '../../../src/domain/redaction.ts';
import type { ServerEvent } from '../../../src/domain/sampler-event.ts';
import type { EmbeddedCloud } from '../../../src/fake-openstack/cloud.ts';
import { startEmbeddedCloud } from '../../../src/fake-openstack/embedded-cloud.ts';
import { type Cloud, openCloud } from '../../../src/openstack/cloud.ts';
import type { BootPreferences } from '../../../src/openstack/compute/boot-candidates.ts';
import { DEFAULT_DELETION_TIMING, type DeletionTiming } from '../../../src/openstack/compute/server-deletion.ts';
import { preflight } from '../../../src/openstack/diagnosis/preflight.ts';
import { createJanitor, type Janitor } from '../../../src/probes/janitor.ts';
import { type ProbesSettings, probesOfCloud } from '../../../src/probes/registry.ts';
import { accessTo } from '../../support/cloud-access.ts';
import { serverIdOf, signIn } from '../../support/cloud-user.ts';

const clock = { now: () => performance.timeOrigin + performance.now() };
const never = new AbortController().signal;
const afterFailure = { interval: 100, limit: 60_000 };
const ACTIVE_TIMEOUT = 1500;

const SETTINGS = {
  'server-list': {
    ...{ enabled: true, interval: 1000, slow: 1000, afterFailure: afterFailure, timeout: 1000 },
    ...{ detail: true, limit: 100, connections: ['new', 'reused'] },
  },
  'server-boot': {
    ...{
      enabled: true,
      interval: 1000,
      slow: 1000,
      afterFailure: afterFailure,
      activeTimeout: ACTIVE_TIMEOUT,
      deleteTimeout: 1500,
      poll: 50,
    },
    ...{ requestTimeout: 1000, flavor: null, image: null, network: null, volume: null, availabilityZone: null },
    ...{ namePrefix: 'rollwatch-', maxStuck: 1 },
  },
  'server-reach': {
    ...{ enabled: false, interval: 1000, slow: 1000, afterFailure: afterFailure, timeout: 1000 },
    ...{ banner: true, targets: [] },
  },
  token: { enabled: true, interval: 5000, slow: 2000, afterFailure: afterFailure, timeout: 1000 },
} satisfies Partial<ProbesSettings>;

const PACE: DeletionTiming = {
  ...DEFAULT_DELETION_TIMING,
  pollIntervalsMs: [50, 100],
  searchIntervalsMs: [50, 100],
  confirmAfterMs: 300,
};

let embedded: EmbeddedCloud;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  embedded = await startEmbeddedCloud({ speed: 10 });
});

afterAll(() => embedded.close());

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  expect(await embedded.servers()).toEqual([]);
});

function open(user: 'probe' | 'admin' = 'probe', changes: Partial<CloudAccess> = {}): Cloud {
  const cloud = openCloud({ access: accessTo(embedded, user, changes), clock });
  closing.push(() => cloud.close());
  return cloud;
}

type Watch = {
  readonly cloud: Cloud;
  readonly events: ServerEvent[];
  readonly notes: string[];
  readonly janitor: Janitor;
  run(probe: keyof ProbesSettings, connection?: string, signal?: AbortSignal): Promise<ProbeResult>;
  cleanUp(): Promise<void>;
  suspended(): string | null;
  waitsInVain(): boolean;
};

/** All probes of the embedded cloud and its janitor. */
function watch({
  admin = false,
  changes = {},
  run = 'run',
}: {
  admin?: boolean;
  changes?: Partial<ProbesSettings['server-boot']>;
  run?: string;
} = {}): Watch {
  const cloud = open();
  const events: ServerEvent[] = [];
  const notes: string[] = [];
  const mark = { prefix: 'rollwatch-', vantage: 'here', run, cloud: 'cloud' };
  const emit = (event: ServerEvent) => events.push(event);
  const janitor = createJanitor({
    cloud,
    creator: mark,
    deleteTimeout: 1000,
    maxStuck: 1,
    emit,
    log: () => {},
    timing: PACE,
  });
  const settings = { ...SETTINGS, 'server-boot': { ...SETTINGS['server-boot'], ...changes } };
  const probes = probesOfCloud(
    cloud,
    { cloud: 'cloud', vantage: 'here' },
    { settings, session: 1, creator: mark, janitor, admin: admin ? open('admin') : null, clock, onFacts: () => {} },
  );
  closing.push(async () => {
    expect(await janitor.stop(5000)).toEqual([]);
    for (const probe of probes) probe.close();
  });
  const find = (name: keyof ProbesSettings, connection = '') => {
    const found = probes.find(({ series }) => series.probe === name && series.connection === connection);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  const context = (signal: AbortSignal): Parameters<Probe['run']>[0] => ({
    signal,
    clock,
    progress: (note) => notes.push(note),
  });
  return {
    cloud,
    events,
    notes,
    janitor,
    run: (name, connection, signal = never) => find(name, connection).run(context(signal)),
    cleanUp: async () => find('server-boot').cleanUp?.(context(never)),
    suspended: () => find('server-boot').suspendedReason?.() ?? null,
    waitsInVain: () => find('server-boot').isStuck?.() ?? false,
  };
}

const brief = (result: ProbeResult) =>
  result.outcome === 'ok' ? ['ok'] : [result.outcome, result.cause.kind, result.cause.service];

/** Stops services while `work` runs. */
async function without<T>(services: Parameters<EmbeddedCloud['stop']>[0][], work: () => Promise<T>): Promise<T> {
  for (const service of services) await embedded.stop(service);
  try {
    return await work();
  } finally {
    for (const service of services) await embedded.start(service);
  }
}

async function faulty<T>(fault: Parameters<EmbeddedCloud['setFault']>[1], work: () => Promise<T>): Promise<T> {
  await embedded.setFault('nova-api', fault);
  try {
    return await work();
  } finally {
    await embedded.setFault('nova-api', null);
  }
}

const until = async (seen: () => boolean | Promise<boolean>) => {
  for (let tries = 0; tries < 200 && !(await seen()); tries++) await setTimeout(25);
};

describe('server-list', () => {
  it('is ok over new and reused connections, at the time it was sent', async () => {
    const { run } = watch();
    for (const connection of ['new', 'reused', 'reused']) {
      const before = clock.now();
      const result = await run('server-list', connection);
      const after = clock.now();
      expect(brief(result)).toEqual(['ok']);
      if (result.outcome !== 'ok') continue;
      expect(result.lastKnownUpAt).toBeGreaterThanOrEqual(before);
      expect(result.settledAt).toBeLessThanOrEqual(after);
      expect(result.requestId).toMatch(/^req-/);
    }
    const reused = await run('server-list', 'reused');
    expect(Object.keys(reused.stages)).toEqual(['first_byte', 'body']);
  });

  it.each([
    [{ kind: 'refuse' }, 'connection-refused', 'nova-api'],
    [{ kind: 'reset' }, 'connection-reset', 'nova-api'],
    [{ kind: 'hang' }, 'response-timeout', 'nova-api'],
    [{ kind: 'http-500' }, 'http-500', 'nova-api'],
    [{ kind: 'lb-503' }, 'http-503', 'load-balancer'],
    [{ kind: 'rubbish' }, 'invalid-body', 'load-balancer'],
    [{ kind: 'truncated' }, 'truncated-body', 'nova-api'],
  ] as const)('with the fault %o fails with %s of %s', async (fault, kind, service) => {
    const { run } = watch();
    await run('server-list', 'new');
    const result = await faulty(fault, () => run('server-list', 'new'));
    expect(brief(result)).toEqual(['failed', kind, service]);
    expect(result.outcome === 'failed' && result.timedOut).toBe(kind === 'response-timeout');
  });

  it('is ok if it is slow', async () => {
    const { run } = watch();
    const result = await faulty({ kind: 'slow', ms: 400 }, () => run('server-list', 'new'));
    expect(brief(result)).toEqual(['ok']);
    expect(result.stages['first_byte']).toBeGreaterThan(0.4);
  });

  it('retries with a new token if the old one is rejected', async () => {
    const { run } = watch();
    await embedded.setTokenLifetime(1);
    try {
      expect(brief(await run('server-list', 'new'))).toEqual(['ok']);
      await embedded.restart('memcached');
      await setTimeout(1100);
      expect(brief(await run('server-list', 'new'))).toEqual(['ok']);
    } finally {
      await embedded.setTokenLifetime(3600);
    }
  });

  it('without Keystone and without a token fails because of Keystone', async () => {
    const { run } = watch();
    expect(brief(await without(['keystone'], () => run('server-list', 'new')))).toEqual([
      'failed',
      'connection-refused',
      'keystone',
    ]);
  });

  it('is void at a shutdown', async () => {
    const { run } = watch();
    await run('server-list', 'new');
    const shutdown = new AbortController();
    const result = await faulty({ kind: 'hang' }, async () => {
      const running = run('server-list', 'new', shutdown.signal);
      await setTimeout(100);
      shutdown.abort();
      return running;
    });
    expect(brief(result)).toEqual(['void', 'shutdown', 'rollwatch']);
  });
});

describe('token', () => {
  it('is ok, and fails with Keystone', async () => {
    const { run } = watch();
    expect(brief(await run('token'))).toEqual(['ok']);
    expect(brief(await without(['keystone'], () => run('token')))).toEqual([
      'failed',
      'connection-refused',
      'keystone',
    ]);
    expect(brief(await without(['mariadb'], () => run('token')))).toEqual(['failed', 'connection-reset', 'keystone']);
    expect(brief(await run('token'))).toEqual(['ok']);
  });
});

describe('server-boot', () => {
  it('boots a server, waits until it is gone, and measures the stages', async () => {
    const { run, events, notes } = watch();
    const before = clock.now();
    const result = await run('server-boot');
    expect(brief(result)).toEqual(['ok']);
    expect(Object.keys(result.stages)).toEqual(['accepted', 'active', 'delete_accepted', 'gone']);
    if (result.outcome === 'ok') {
      expect(result.lastKnownUpAt).toBeGreaterThan(result.settledAt);
      expect(result.settledAt).toBeGreaterThan(before);
    }
    expect(notes.at(-1)).toBe('not found');
    expect(notes).toContain('ACTIVE');
    await until(() => events.length === 2);
    expect(events.map(({ kind, id }) => [kind, id])).toEqual([
      ['created', result.serverId],
      ['gone', result.serverId],
    ]);
    expect(events[0]?.name).toBe('rollwatch-here-cloud-run-1-0');
  });

  it('boots from a volume if configured, which is deleted with the server', async () => {
    const { run, cloud } = watch({ changes: { volume: 2 } });
    const running = run('server-boot');
    await until(async () => (await embedded.servers()).length === 1);
    const [{ id } = { id: '' }] = await embedded.servers();
    const seen = await describeServer({ cloud, admin: null, timeouts: cloud.timeouts, signal: never }, id);
    expect(seen).toMatchObject({ type: 'ok', value: { image: 'a volume' } });
    expect(brief(await running)).toEqual(['ok']);
  });

  it.each([
    [['nova-api'], 'connection-refused', 'nova-api'],
    [['keystone'], 'http-500', 'keystone'],
    [['glance'], 'http-500', 'glance'],
    [['neutron'], 'http-500', 'neutron'],
    [['mariadb'], 'http-500', 'database'],
    [['placement'], 'no-valid-host', 'placement'],
  ] as const)('without %s fails with %s of %s', async (services, kind, service) => {
    const { run, cleanUp } = watch();
    expect(brief(await run('server-boot'))).toEqual(['ok']);
    const result = await without([...services], () => run('server-boot'));
    expect(brief(result)).toEqual(['failed', kind, service]);
    if (result.outcome === 'failed') expect([result.lastKnownUpAt, result.timedOut]).toEqual([null, false]);
    await cleanUp();
  });

  it.each([
    [['nova-conductor'], 'nova'],
    [['nova-scheduler'], 'nova'],
    [['nova-compute1', 'nova-compute2', 'nova-compute3'], 'nova-compute'],
  ] as const)('without %s is not ACTIVE in time because of %s', async (services, service) => {
    const { run, cleanUp } = watch();
    expect(brief(await run('server-boot'))).toEqual(['ok']);
    let before = 0;
    const result = await without([...services], () => {
      before = clock.now();
      return run('server-boot');
    });
    expect(brief(result)).toEqual(['failed', 'spin-up-timeout', service]);
    if (result.outcome === 'failed') {
      expect([result.lastKnownUpAt, result.timedOut]).toEqual([null, true]);
      expect(result.settledAt - before).toBeGreaterThanOrEqual(ACTIVE_TIMEOUT);
      expect(result.failureStartedAt - before).toBeLessThan(ACTIVE_TIMEOUT / 2);
    }
    await cleanUp();
  });

  it('is attributed to the message queue if its create hangs while lists and all other services answer', async () => {
    const { run, cleanUp } = watch();
    expect(brief(await run('server-boot'))).toEqual(['ok']);
    const results = await without(['rabbitmq'], async () => [
      await run('server-boot'),
      await run('server-list', 'new'),
    ]);
    expect(results.map(brief)).toEqual([['failed', 'response-timeout', 'message-queue'], ['ok']]);
    await cleanUp();
  });

  it('with a flavor that fits nowhere is attributed to the scheduler, as Placement answers', async () => {
    const { run, cleanUp } = watch({ changes: { flavor: 'm1.nowhere' } });
    await run('server-list', 'new');
    await until(async () => true);
    const result = await run('server-boot');
    expect(brief(result)).toEqual(['failed', 'no-valid-host', 'nova-scheduler']);
    expect(result.outcome === 'failed' && result.cause.message).toMatch(/^No valid host was found\. \(placement /);
    await cleanUp();
  });

  it('beyond the quota is void', async () => {
    const { run } = watch();
    await embedded.setQuota(0);
    try {
      expect(brief(await run('server-boot'))).toEqual(['void', 'quota', 'rollwatch']);
    } finally {
      await embedded.setQuota(10);
    }
  });

  it('with a missing flavor lists the available ones', async () => {
    const { run } = watch({ changes: { flavor: 'large' } });
    const result = await run('server-boot');
    expect(brief(result)).toEqual(['failed', 'no-resource', 'nova-api']);
    expect(result.outcome === 'failed' && result.cause.message).toMatch(/^no flavor 'large' \(available: /);
  });

  it('that fails at its delete proves the service up until ACTIVE', async () => {
    const { run, cleanUp, notes } = watch();
    await run('server-boot');
    notes.length = 0;
    const running = run('server-boot');
    await until(() => notes.includes('BUILD/scheduling'));
    // The scheduler is not needed again until the delete, which ends in ERROR without it.
    const result = await without(['nova-scheduler'], () => running);
    if (result.outcome === 'failed' && result.cause.kind === 'delete-error') {
      expect(result.cause.service).toBe('nova-scheduler');
      expect(result.lastKnownUpAt).toBeLessThan(result.failureStartedAt);
    }
    await cleanUp();
  });

  it('whose polls are refused failed with the first of them, not before it was sent', async () => {
    const { run, cleanUp, notes } = watch();
    const before = await run('server-boot');
    notes.length = 0;
    const running = run('server-boot');
    await until(() => notes.includes('BUILD/scheduling'));
    const stoppedAt = clock.now();
    const result = await faulty({ kind: 'refuse' }, () => running);
    expect(brief(result)).toEqual(['failed', 'spin-up-timeout', 'nova-api']);
    if (result.outcome !== 'failed' || before.outcome !== 'ok') throw new Error('one ok, one failed');
    expect(result.lastKnownUpAt).toBeGreaterThan(before.lastKnownUpAt);
    // Polls are 50 ms apart.
    expect(result.failureStartedAt).toBeGreaterThanOrEqual(stoppedAt - 50);
    expect(result.settledAt).toBeLessThan(stoppedAt + ACTIVE_TIMEOUT / 2);
    expect(result.timedOut).toBe(false);
    await cleanUp();
  });

  it('proves the service up until the poll that found the server gone', async () => {
    const { run } = watch();
    const startedAt = clock.now();
    const result = await run('server-boot');
    const goneAt = clock.now();
    if (result.outcome !== 'ok') throw new Error('an ok sample');
    const { accepted = 0, active = 0, delete_accepted = 0, gone = 0 } = result.stages;
    expect(gone).toBeGreaterThan(0);
    // The last stage took at least one poll, so the delete was answered before that poll was sent.
    expect(result.lastKnownUpAt).toBeGreaterThanOrEqual(startedAt + (accepted + active + delete_accepted) * 1000);
    expect(goneAt - result.lastKnownUpAt).toBeLessThan(gone * 1000);
  });

  it('that is aborted is void, and its server is deleted', async () => {
    const { run, notes } = watch();
    await run('server-boot');
    notes.length = 0;
    const shutdown = new AbortController();
    const running = run('server-boot', '', shutdown.signal);
    await until(() => notes.length > 0);
    shutdown.abort();
    expect(brief(await running)).toEqual(['void', 'shutdown', 'rollwatch']);
  });
});

describe('a boot that is still waiting', () => {
  it('reports refused polls, and another one is refused after the last good poll', async () => {
    const { run, notes, waitsInVain } = watch();
    await run('server-boot');
    notes.length = 0;
    const first = run('server-boot');
    await until(() => notes.includes('BUILD/scheduling'));
    expect(waitsInVain()).toBe(false);
    const stoppedAt = clock.now();
    let [sentAt, nextSentAt] = [0, 0];
    const [extra, next, vain] = await faulty({ kind: 'refuse' }, async () => {
      await until(waitsInVain);
      sentAt = clock.now();
      const one = await run('server-boot');
      nextSentAt = clock.now();
      return [one, await run('server-boot'), waitsInVain()] as const;
    });
    expect(brief(extra)).toEqual(['failed', 'connection-refused', 'nova-api']);
    if (extra.outcome !== 'failed' || next.outcome !== 'failed') throw new Error('two failed boots');
    // The refused poll came after a good one; the next one shows how long the failure has lasted.
    expect(extra.failureStartedAt).toBeLessThan(sentAt);
    expect(next.failureStartedAt).toBeGreaterThanOrEqual(nextSentAt);
    expect(extra.lastKnownUpAt).toBeGreaterThan(stoppedAt - 100);
    expect(extra.lastKnownUpAt).toBeLessThan(extra.failureStartedAt);
    expect(vain).toBe(true);
    // Its polls are answered again, but only another accepted create shows that servers can boot.
    await until(() => !(notes.at(-1) ?? '').startsWith('connection-refused'));
    expect(waitsInVain()).toBe(true);
    expect(brief(await run('server-boot'))).toEqual(['ok']);
    // The first one succeeds in the end, and does not cover the time in which no server could boot.
    expect(brief(await first)).toEqual(['ok']);
    expect(waitsInVain()).toBe(false);
  });

  it('reports a server that cannot be deleted until another server is up', async () => {
    const { run, cleanUp, waitsInVain } = watch();
    await run('server-boot');
    const computes = ['nova-compute1', 'nova-compute2', 'nova-compute3'] as const;
    await without([...computes], async () => {
      expect(brief(await run('server-boot'))).toEqual(['failed', 'spin-up-timeout', 'nova-compute']);
      const settled = cleanUp();
      expect(waitsInVain()).toBe(true);
      const second = run('server-boot');
      await until(async () => (await embedded.servers()).length === 2);
      expect(waitsInVain()).toBe(false);
      expect(brief(await second)).toEqual(['failed', 'spin-up-timeout', 'nova-compute']);
      await settled;
    });
    await cleanUp();
    expect(waitsInVain()).toBe(false);
  });

  it('does not report a create that hangs: another one would block a second worker of Nova', async () => {
    const { run, cleanUp, waitsInVain } = watch();
    await run('server-boot');
    await without(['rabbitmq'], async () => {
      expect(brief(await run('server-boot'))[0]).toBe('failed');
      const settled = cleanUp();
      expect(waitsInVain()).toBe(false);
      await settled;
    });
  });
});

describe('the janitor', () => {
  it('finds the server of an unanswered create by name once it appears, and deletes it', async () => {
    const { run, events, cleanUp } = watch();
    expect(brief(await run('server-boot'))).toEqual(['ok']);
    events.length = 0;
    await without(['rabbitmq'], async () => {
      await run('server-boot');
      await cleanUp();
    });
    await until(() => events.some(({ kind, name }) => kind === 'gone' && name.endsWith('-1')));
    const owned = events.filter(({ name, kind }) => name.endsWith('-1') && kind !== 'leaked');
    expect(owned.map(({ kind }) => kind)).toEqual(['created', 'gone']);
  });

  it('deletes a server again that comes back as ERROR', async () => {
    const { cloud, janitor, events } = watch();
    const user = await signIn(embedded);
    const metadata = { rollwatch: '1', vantage: 'here', run: 'run' };
    const name = 'rollwatch-here-x';
    const id = serverIdOf(await user.create(name, { metadata }));
    await user.until(id, (_answer, status) => status === 'ACTIVE');
    await without(['placement'], async () => {
      await user.ask('compute', `DELETE /servers/${id}`);
      await user.until(id, (_answer, status) => status === 'ERROR');
    });
    janitor.confirmGone({ name, id });
    await until(() => events.some(({ kind }) => kind === 'gone'));
    expect(events.map(({ kind }) => kind)).toEqual(['gone']);
    expect(cloud.access.name).toBe('cloud');
  });

  it('deletes only servers with the name prefix and metadata of its own vantage', async () => {
    const { janitor } = watch();
    const user = await signIn(embedded);
    const owned = { rollwatch: '1', vantage: 'here', run: 'old', lifetime: '0' };
    const made = {
      owned: serverIdOf(await user.create('rollwatch-a', { metadata: owned })),
      elsewhere: serverIdOf(await user.create('rollwatch-b', { metadata: { ...owned, vantage: 'there' } })),
      unmarked: serverIdOf(await user.create('rollwatch-c')),
      named: serverIdOf(await user.create('other-rollwatch-d', { metadata: owned })),
    };
    const scope = { vantage: 'here', run: null };
    const dry = await janitor.sweep({ dryRun: true, scope, timeout: 3000, signal: never });
    expect(dry.type === 'ok' && dry.value.map(({ server, gone }) => [server.id, gone])).toEqual([[made.owned, false]]);
    expect(await embedded.servers()).toHaveLength(4);
    const wet = await janitor.sweep({ dryRun: false, scope, timeout: 3000, signal: never });
    expect(wet.type === 'ok' && wet.value.map(({ server, gone }) => [server.id, gone])).toEqual([[made.owned, true]]);
    expect((await embedded.servers()).map(({ id }) => id).toSorted()).toEqual(
      [made.elsewhere, made.unmarked, made.named].toSorted(),
    );
    for (const id of [made.elsewhere, made.unmarked, made.named]) await user.remove(id);
  });

  it('finds leftover servers of its own run at the start, and later those of another run', async () => {
    const { janitor } = watch();
    const user = await signIn(embedded);
    const metadata = { rollwatch: '1', vantage: 'here', run: 'run', cloud: 'cloud', lifetime: '2' };
    const own = serverIdOf(await user.create('rollwatch-own', { metadata }));
    const others = [
      serverIdOf(await user.create('rollwatch-others', { metadata: { ...metadata, run: 'other' } })),
      serverIdOf(await user.create('rollwatch-entry', { metadata: { ...metadata, cloud: 'the same project' } })),
    ];
    janitor.start();
    await until(async () => !(await embedded.servers()).some(({ id }) => id === own));
    expect((await embedded.servers()).map(({ id }) => id).toSorted()).toEqual(others.toSorted());
    await until(async () => (await embedded.servers()).length === 0);
  });

  it('does not delete a server of another run or entry while it may be needed', async () => {
    const { janitor } = watch();
    const user = await signIn(embedded);
    const metadata = { rollwatch: '1', vantage: 'here', run: 'run', cloud: 'cloud', lifetime: '60' };
    const young = [
      serverIdOf(await user.create('rollwatch-run', { metadata: { ...metadata, run: 'other' } })),
      serverIdOf(await user.create('rollwatch-entry', { metadata: { ...metadata, cloud: 'the same project' } })),
      serverIdOf(await user.create('rollwatch-old', { metadata: { rollwatch: '1', vantage: 'here', run: 'run' } })),
    ];
    const old = { ...metadata, run: 'other', lifetime: '0' };
    const left = serverIdOf(await user.create('rollwatch-left', { metadata: old }));
    janitor.start();
    await until(async () => !(await embedded.servers()).some(({ id }) => id === left));
    expect(await janitor.stop(5000)).toEqual([]);
    expect((await embedded.servers()).map(({ id }) => id).toSorted()).toEqual(young.toSorted());
    await Promise.all(young.map((id) => user.remove(id)));
  });

  it('deletes both of two servers with the same name', async () => {
    const { janitor } = watch();
    const user = await signIn(embedded);
    const metadata = { rollwatch: '1', vantage: 'here', run: 'old', lifetime: '0' };
    for (let count = 0; count < 2; count++) await user.create('rollwatch-twin', { metadata });
    const scope = { vantage: 'here', run: null };
    const swept = await janitor.sweep({ dryRun: false, scope, timeout: 3000, signal: never });
    expect(swept.type === 'ok' && swept.value.map(({ gone }) => gone)).toEqual([true, true]);
  });

  it('suspends boots while too many servers cannot be deleted, and reports each once', async () => {
    const { janitor, events, suspended } = watch();
    const user = await signIn(embedded);
    const ids: string[] = [];
    for (const name of ['rollwatch-p', 'rollwatch-q']) {
      const metadata = { rollwatch: '1', vantage: 'here', run: 'run' };
      const id = serverIdOf(await user.create(name, { metadata }));
      await user.until(id, (_answer, status) => status === 'ACTIVE');
      ids.push(id);
    }
    await without(['nova-conductor'], async () => {
      janitor.delete({ name: 'rollwatch-p', id: ids[0] ?? '', deletedAt: null });
      expect(suspended()).toBe(null);
      janitor.delete({ name: 'rollwatch-q', id: ids[1] ?? '', deletedAt: null });
      await until(() => suspended() !== null);
      expect(suspended()).toBe('2 servers cannot be deleted');
      await setTimeout(300);
    });
    await until(() => suspended() === null);
    await until(() => events.length === 4);
    expect(events.map(({ kind }) => kind)).toEqual(['leaked', 'leaked', 'gone', 'gone']);
  });
});

describe('a clean-up whose deletes hang', () => {
  /** Servers to be deleted by the janitor and by another user. */
  async function twoServers() {
    const user = await signIn(embedded);
    const metadata = { rollwatch: '1', vantage: 'here', run: 'run', cloud: 'cloud' };
    const ids: string[] = [];
    for (const name of ['rollwatch-p', 'rollwatch-q']) {
      const id = serverIdOf(await user.create(name, { metadata }));
      await user.until(id, (_answer, status) => status === 'ACTIVE');
      ids.push(id);
    }
    const [owned = '', other = ''] = ids;
    return {
      owned,
      deleteOwned: () => user.remove(owned),
      deleteOther: () => user.ask('compute', `DELETE /servers/${other}`).catch(() => null),
    };
  }

  it('while lists are answered is evidence against the message queue once lists hang too', async () => {
    const { run, janitor } = watch();
    expect(brief(await run('server-list', 'new'))).toEqual(['ok']);
    const { owned, deleteOther } = await twoServers();
    let others: Promise<unknown> = Promise.resolve();
    const result = await without(['rabbitmq'], async () => {
      janitor.delete({ name: 'rollwatch-p', id: owned, deletedAt: null });
      for (let second = 0; second < 4; second++) {
        await setTimeout(900);
        expect(brief(await run('server-list', 'new'))).toEqual(['ok']);
      }
      // The other user's delete blocks the second worker: from now on every list hangs.
      others = deleteOther();
      await setTimeout(200);
      return run('server-list', 'new');
    });
    expect(brief(result)).toEqual(['failed', 'response-timeout', 'message-queue']);
    await others;
    await until(async () => (await embedded.servers()).length === 0);
  });

  it('because nova-api hangs is not evidence against the message queue', async () => {
    const { run, cloud } = watch();
    expect(brief(await run('server-list', 'new'))).toEqual(['ok']);
    const { owned, deleteOwned, deleteOther } = await twoServers();
    const results = await faulty({ kind: 'hang' }, async () => {
      const timeouts = { connect: 1000, response: 10_000 };
      void cloud.compute(cloud.http).delete(owned, { timeouts, signal: never });
      await setTimeout(3200);
      return [await run('server-list', 'new'), await run('server-list', 'reused'), await run('server-boot')];
    });
    expect(results.map((one) => (one.outcome === 'failed' ? one.cause.service : one.outcome))).toEqual(
      results.map(() => 'nova-api'),
    );
    await Promise.all([deleteOwned(), deleteOther()]);
    await until(async () => (await embedded.servers()).length === 0);
  });
});

describe('preflight', () => {
  const wanted: BootPreferences = { flavor: null, image: null, network: null, volume: null };

  const refusal = async (changes: Partial<CloudAccess>, want = wanted) => {
    const found = await preflight(open('probe', changes), want, never);
    return found.type === 'refused' ? [found.userError.exitCode, found.userError.message] : ['ready'];
  };

  it('chooses the smallest flavor and image and the only network', async () => {
    const found = await preflight(open(), wanted, never);
    expect(found.type === 'ready' && found.choice.names).toEqual({
      flavor: 'm1.probe',
      image: 'probe',
      network: 'probe-net',
    });
  });

  it('finds Keystone by its URL with and without the version', async () => {
    const root = embedded.authUrl.replace('/v3', '');
    for (const authUrl of [root, `${root}/`, `${root}/v3/`, `${root}/v2.0`]) {
      expect(await refusal({ authUrl })).toEqual(['ready']);
    }
  });

  it('rejects a wrong password without revealing it', async () => {
    const wrong = accessTo({ ...embedded, password: 'hunter2' });
    const [code, message] = await refusal({ auth: wrong.auth });
    expect(code).toBe(2);
    expect(message).toBe(
      `cloud cloud: Keystone at ${embedded.authUrl} rejects the credentials (user, password, project and their domains): HTTP 401: The request you have made requires authentication.`,
    );
  });

  it('rejects an unknown application credential', async () => {
    const credential = { id: 'f00' };
    const [code, message] = await refusal({
      auth: { type: 'application-credential', credential, secret: secret('hunter2') },
    });
    expect([code, message]).toEqual([
      2,
      expect.stringMatching(/rejects the application credential \(wrong, deleted or expired\?\)/),
    ]);
    expect(message).not.toContain('hunter2');
  });

  it('lists what is available if something is missing', async () => {
    expect(await refusal({}, { ...wanted, image: 'cirros' })).toEqual([
      2,
      expect.stringMatching(/^cloud cloud: no image 'cirros' \(available: probe/),
    ]);
    expect(await refusal({}, { ...wanted, network: 'none' })).toEqual([
      2,
      "cloud cloud: network 'none' needs compute microversion 2.37 or newer (in use: 2.1)",
    ]);
    expect(await refusal({ regionName: 'Mars' })).toEqual([
      2,
      expect.stringMatching(
        /^cloud cloud: the catalogue has no public endpoint of image in region Mars \(regions with image: RegionOne\)/,
      ),
    ]);
  });

  it('fails with exit code 3 if Keystone or Nova is unreachable', async () => {
    expect((await without(['keystone'], () => refusal({})))[0]).toBe(3);
    expect(await without(['nova-api'], () => refusal({}))).toEqual([
      3,
      expect.stringMatching(/^cloud cloud: nova-api: connection-refused: ECONNREFUSED/),
    ]);
  });
});
