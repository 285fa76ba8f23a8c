import { describe, expect, it } from 'vitest';
import type { Cause } from '../../../src/domain/cause.ts';
import { createDependencyCheck, type Dependency } from '../../../src/openstack/diagnosis/dependency-check.ts';
import type { Reachability } from '../../../src/openstack/diagnosis/ping.ts';

const never = new AbortController().signal;

/** A check of dependencies that answer, unless the test changes `state`. */
function createCheck() {
  const state: {
    now: number;
    list: Cause | null;
    pings: Dependency[];
    silent: Set<Dependency>;
    unknown: Set<Dependency>;
  } = {
    now: 0,
    list: null,
    pings: [],
    silent: new Set(),
    unknown: new Set(),
  };
  const check = createDependencyCheck({
    clock: { now: () => state.now },
    ping: async (dependency): Promise<Reachability> => {
      state.pings.push(dependency);
      return state.unknown.has(dependency) ? 'unknown' : state.silent.has(dependency) ? 'silent' : 'answers';
    },
    list: async () => {
      const timing = { stages: {}, sentAt: state.now, settledAt: state.now, requestId: null };
      if (state.list === null) return { ...timing, type: 'ok', value: 1 };
      return { ...timing, type: 'failed', cause: state.list, timedOut: false };
    },
  });
  return { check, state };
}

const fault = (service: Cause['service'], message: string): Cause => ({ kind: 'http-500', service, message });
const HANG: Cause = { kind: 'response-timeout', service: 'nova-api', message: 'no answer within 10 s' };

const learntCheck = async () => {
  const created = createCheck();
  await created.check.learn(never);
  created.state.now += 10_000;
  return created;
};

const UNAVAILABLE = 'HTTP 500: neutronclient.common.exceptions.ServiceUnavailable';
const CONNECT = 'HTTP 500: keystoneauth1.exceptions.connection.ConnectFailure';

describe('attribute', () => {
  it.each([
    [UNAVAILABLE, 'request', 'keystone', 'keystone'],
    [UNAVAILABLE, 'request', 'neutron', 'neutron'],
    [CONNECT, 'request', 'neutron', 'neutron'],
    [CONNECT, 'request', 'keystone', 'keystone'],
    [CONNECT, 'delete', 'placement', 'placement'],
    ['No valid host was found.', 'create', 'placement', 'placement'],
    ['No valid host was found.', 'create', 'keystone', 'keystone'],
  ] as const)('%s during a %s, with %s silent: names %s', async (message, during, silent, service) => {
    const { check, state } = await learntCheck();
    state.silent.add(silent);
    const found = await check.attribute(fault('nova-api', message), during, never);
    expect([found.service, found.message]).toEqual([
      service,
      `${message} (${silent} does not answer Rollwatch either)`,
    ]);
  });

  it('keeps the service and lists the answers if all dependencies answer', async () => {
    const { check } = await learntCheck();
    const found = await check.attribute(fault('nova-scheduler', 'No valid host was found.'), 'create', never);
    expect([found.service, found.message]).toEqual([
      'nova-scheduler',
      'No valid host was found. (placement answers, keystone answers)',
    ]);
  });

  it('does not name a dependency that was unreachable from the start', async () => {
    const { check, state } = createCheck();
    state.unknown.add('placement');
    await check.learn(never);
    state.unknown.clear();
    state.silent.add('placement');
    const found = await check.attribute(fault('nova-scheduler', 'No valid host was found.'), 'create', never);
    expect(found.service).toBe('nova-scheduler');
    expect(found.message).toBe('No valid host was found. (placement is not reachable from here, keystone answers)');
  });

  it('sends no ping if the fault names the service', async () => {
    const { check, state } = await learntCheck();
    state.pings.length = 0;
    const cause = fault('database', 'HTTP 500: oslo_db.exception.DBConnectionError');
    expect(await check.attribute(cause, 'request', never)).toBe(cause);
    expect(state.pings).toEqual([]);
  });

  it('pings once a second, however many samples fail', async () => {
    const { check, state } = await learntCheck();
    state.pings.length = 0;
    for (let index = 0; index < 10; index++) {
      await check.attribute(fault('keystone', UNAVAILABLE), 'request', never);
      state.now += 90;
    }
    expect(state.pings).toEqual(['keystone', 'neutron']);
  });
});

describe('a write that times out', () => {
  it('is attributed to the message queue if lists and all dependencies answer, then also for reads that time out', async () => {
    const { check, state } = await learntCheck();
    expect((await check.attributeWriteTimeout(HANG, state.now - 10_000, never)).service).toBe('message-queue');
    state.list = HANG;
    expect((await check.attributeReadTimeout(HANG, never)).service).toBe('message-queue');
    expect((await check.attributeWriteTimeout(HANG, state.now - 10_000, never)).service).toBe('message-queue');
    check.onWriteSent()('done');
    state.now += 2000;
    expect(await check.attributeReadTimeout(HANG, never)).toBe(HANG);
  });

  it('is attributed to the message queue although everything hangs now, if a list sent later was answered', async () => {
    const { check, state } = await learntCheck();
    state.list = HANG;
    check.onWriteSent();
    const sentAt = state.now;
    state.now += 300;
    check.onReadSent()('done');
    state.now += 2600;
    expect(await check.attributeReadTimeout(HANG, never)).toBe(HANG);
    state.now += 200;
    expect((await check.attributeReadTimeout(HANG, never)).service).toBe('message-queue');
    state.now += 6900;
    const found = await check.attributeWriteTimeout(HANG, sentAt, never);
    expect([found.service, found.message]).toEqual([
      'message-queue',
      'no answer within 10 s (list requests sent later were answered; reachable: keystone, neutron, glance, placement)',
    ]);
  });

  it('is not attributed to the message queue if the list was answered within the usual latency of a write', async () => {
    const { check, state } = await learntCheck();
    state.list = HANG;
    const reportOutcome = check.onWriteSent();
    state.now += 400;
    reportOutcome('done');
    check.onWriteSent();
    const sentAt = state.now;
    state.now += 500;
    check.onReadSent()('done');
    state.now += 9500;
    expect(await check.attributeReadTimeout(HANG, never)).toBe(HANG);
    expect(await check.attributeWriteTimeout(HANG, sentAt, never)).toBe(HANG);
  });

  it('is attributed to the service that fails the list', async () => {
    const { check, state } = await learntCheck();
    state.list = fault('database', 'HTTP 500: oslo_db.exception.DBConnectionError');
    const found = await check.attributeWriteTimeout(HANG, state.now - 10_000, never);
    expect([found.kind, found.service, found.message]).toEqual([
      'response-timeout',
      'database',
      'no answer within 10 s (listing servers fails: HTTP 500: oslo_db.exception.DBConnectionError)',
    ]);
  });

  it('is attributed to the dependency that is silent', async () => {
    const { check, state } = await learntCheck();
    state.silent.add('glance');
    const found = await check.attributeWriteTimeout(HANG, state.now - 10_000, never);
    expect([found.service, found.message]).toEqual([
      'glance',
      'no answer within 10 s (listing servers works, but glance does not answer Rollwatch)',
    ]);
  });

  it('is attributed to nova-api if lists hang as well', async () => {
    const { check, state } = await learntCheck();
    state.list = HANG;
    expect(await check.attributeWriteTimeout(HANG, state.now - 10_000, never)).toBe(HANG);
  });
});

describe('a write of the clean-up, which is not attributed itself', () => {
  it('is evidence against the message queue while it waits and after it timed out', async () => {
    for (const givenUp of [false, true]) {
      const { check, state } = await learntCheck();
      state.list = HANG;
      const reportOutcome = check.onWriteSent();
      state.now += 1000;
      check.onReadSent()('done');
      state.now += 9000;
      if (givenUp) reportOutcome('timed-out');
      state.now += givenUp ? 20_000 : 0;
      expect((await check.attributeReadTimeout(HANG, never)).service).toBe('message-queue');
      expect(await check.isQueueDown(never)).toBe(true);
      // A create that hangs without a later list has the same cause.
      expect((await check.attributeWriteTimeout(HANG, state.now - 3000, never)).service).toBe('message-queue');
    }
  });

  it('is no evidence if no later read was answered: Nova itself hangs', async () => {
    const { check, state } = await learntCheck();
    state.list = HANG;
    check.onReadSent()('done');
    const reportOutcome = check.onWriteSent();
    state.now += 10_000;
    reportOutcome('timed-out');
    // Nova is back, which is no evidence about the write.
    state.now += 1000;
    check.onReadSent()('done');
    state.now += 5000;
    expect(await check.attributeReadTimeout(HANG, never)).toBe(HANG);
    expect(await check.isQueueDown(never)).toBe(false);
  });

  it('is no evidence if Neutron is silent', async () => {
    const { check, state } = await learntCheck();
    state.silent.add('neutron');
    const reportOutcome = check.onWriteSent();
    state.now += 1000;
    check.onReadSent()('done');
    state.now += 9000;
    reportOutcome('timed-out');
    expect((await check.attributeReadTimeout(HANG, never)).service).toBe('neutron');
  });

  it('is no evidence once a later write was carried out', async () => {
    const { check, state } = await learntCheck();
    check.onWriteSent();
    state.now += 1000;
    check.onReadSent()('done');
    check.onWriteSent()('done');
    state.now += 9000;
    expect(await check.attributeReadTimeout(HANG, never)).toBe(HANG);
  });

  it('stays evidence if Nova rejects another write, which never reaches the message queue', async () => {
    const { check, state } = await learntCheck();
    const reportOutcome = check.onWriteSent();
    state.now += 1000;
    check.onReadSent()('done');
    state.now += 9000;
    reportOutcome('timed-out');
    check.onWriteSent()('other');
    expect((await check.attributeReadTimeout(HANG, never)).service).toBe('message-queue');
  });

  it('is no evidence if some reads hang and others are answered: one of several API servers hangs', async () => {
    for (const readEnded of [false, true]) {
      const { check, state } = await learntCheck();
      const read = check.onReadSent();
      const sentAt = state.now;
      const write = check.onWriteSent();
      for (let second = 0; second < 10; second++) {
        state.now += 1000;
        check.onReadSent()('done');
      }
      if (readEnded) read('timed-out');
      write('timed-out');
      expect(await check.attributeReadTimeout(HANG, never)).toBe(HANG);
      const found = await check.attributeWriteTimeout(HANG, sentAt, never);
      expect([found.service, found.message]).toEqual(['nova-api', 'no answer within 10 s (some reads hang as well)']);
    }
  });

  it('is evidence if lists are merely slow', async () => {
    const { check, state } = await learntCheck();
    const first = check.onReadSent();
    state.now += 5000;
    first('done');
    check.onReadSent();
    check.onWriteSent();
    state.now += 4000;
    check.onReadSent()('done');
    expect((await check.attributeReadTimeout(HANG, never)).service).toBe('message-queue');
  });
});

describe('a read that times out', () => {
  it('is attributed to Keystone or Neutron, but not to Glance, if they are silent', async () => {
    for (const silent of ['keystone', 'neutron'] as const) {
      const { check, state } = await learntCheck();
      state.silent.add(silent);
      expect((await check.attributeReadTimeout(HANG, never)).service).toBe(silent);
    }
    const { check, state } = await learntCheck();
    state.silent.add('glance');
    expect(await check.attributeReadTimeout(HANG, never)).toBe(HANG);
  });
});
