import { describe, expect, it } from 'vitest';
import type { Cause } from '../../../src/domain/cause.ts';
import { createSecondLook, type Pilot, type Suspect } from '../../../src/openstack/diagnosis/dependency-check.ts';

const never = new AbortController().signal;

/** Everyone answers, unless the test says otherwise. */
function cloud() {
  const state: { now: number; list: Cause | null; pings: Suspect[]; silent: Set<Suspect>; unknown: Set<Suspect> } = {
    now: 0,
    list: null,
    pings: [],
    silent: new Set(),
    unknown: new Set(),
  };
  const look = createSecondLook({
    clock: { now: () => state.now },
    ping: async (suspect): Promise<Pilot> => {
      state.pings.push(suspect);
      return state.unknown.has(suspect) ? 'unknown' : state.silent.has(suspect) ? 'silent' : 'answers';
    },
    list: async () => {
      const timing = { stages: {}, sentAt: state.now, settledAt: state.now, requestId: null };
      if (state.list === null) return { ...timing, type: 'ok', value: 1 };
      return { ...timing, type: 'failed', cause: state.list, hung: false };
    },
  });
  return { look, state };
}

const fault = (service: Cause['service'], message: string): Cause => ({ kind: 'http-500', service, message });
const HANG: Cause = { kind: 'response-timeout', service: 'nova-api', message: 'no answer within 10 s' };

const learnt = async () => {
  const made = cloud();
  await made.look.learn(never);
  made.state.now += 10_000;
  return made;
};

const UNAVAILABLE = 'HTTP 500: neutronclient.common.exceptions.ServiceUnavailable';
const CONNECT = 'HTTP 500: keystoneauth1.exceptions.connection.ConnectFailure';

describe('who is at fault', () => {
  it.each([
    [UNAVAILABLE, 'request', 'keystone', 'keystone'],
    [UNAVAILABLE, 'request', 'neutron', 'neutron'],
    [CONNECT, 'request', 'neutron', 'neutron'],
    [CONNECT, 'request', 'keystone', 'keystone'],
    [CONNECT, 'delete', 'placement', 'placement'],
    ['No valid host was found.', 'create', 'placement', 'placement'],
    ['No valid host was found.', 'create', 'keystone', 'keystone'],
  ] as const)('of %s in a %s, with %s silent, is %s', async (message, during, silent, service) => {
    const { look, state } = await learnt();
    state.silent.add(silent);
    const found = await look.at(fault('nova-api', message), during, never);
    expect([found.service, found.message]).toEqual([service, `${message} (${silent} doesn't answer us either)`]);
  });

  it('stays who it was where all answer, and says so', async () => {
    const { look } = await learnt();
    const found = await look.at(fault('nova-scheduler', 'No valid host was found.'), 'create', never);
    expect([found.service, found.message]).toEqual([
      'nova-scheduler',
      'No valid host was found. (placement answers, keystone answers)',
    ]);
  });

  it('is nobody who could not be asked from here when all was well', async () => {
    const { look, state } = cloud();
    state.unknown.add('placement');
    await look.learn(never);
    state.unknown.clear();
    state.silent.add('placement');
    const found = await look.at(fault('nova-scheduler', 'No valid host was found.'), 'create', never);
    expect(found.service).toBe('nova-scheduler');
    expect(found.message).toBe('No valid host was found. (placement is out of reach from here, keystone answers)');
  });

  it('is not asked where the fault names who it is', async () => {
    const { look, state } = await learnt();
    state.pings.length = 0;
    const cause = fault('database', 'HTTP 500: oslo_db.exception.DBConnectionError');
    expect(await look.at(cause, 'request', never)).toBe(cause);
    expect(state.pings).toEqual([]);
  });

  it('is asked once a second however many samples fail', async () => {
    const { look, state } = await learnt();
    state.pings.length = 0;
    for (let index = 0; index < 10; index++) {
      await look.at(fault('keystone', UNAVAILABLE), 'request', never);
      state.now += 90;
    }
    expect(state.pings).toEqual(['keystone', 'neutron']);
  });
});

describe('a write without an answer', () => {
  it('is the fault of the message queue where lists and all others answer, and then hanging reads are too', async () => {
    const { look, state } = await learnt();
    expect((await look.atHang(HANG, state.now - 10_000, never)).service).toBe('message-queue');
    state.list = HANG;
    expect((await look.atRead(HANG, never)).service).toBe('message-queue');
    expect((await look.atHang(HANG, state.now - 10_000, never)).service).toBe('message-queue');
    look.writing()('done');
    state.now += 2000;
    expect(await look.atRead(HANG, never)).toBe(HANG);
  });

  it('is so also where everything hangs by now, if a list that was sent after it was answered', async () => {
    const { look, state } = await learnt();
    state.list = HANG;
    look.writing();
    const sentAt = state.now;
    state.now += 300;
    look.reading()('done');
    state.now += 2600;
    expect(await look.atRead(HANG, never)).toBe(HANG);
    state.now += 200;
    expect((await look.atRead(HANG, never)).service).toBe('message-queue');
    state.now += 6900;
    const found = await look.atHang(HANG, sentAt, never);
    expect([found.service, found.message]).toEqual([
      'message-queue',
      'no answer within 10 s (lists sent later were answered, and keystone, neutron, glance, placement answer too)',
    ]);
  });

  it('is not so where the list was answered while writes usually are under way still', async () => {
    const { look, state } = await learnt();
    state.list = HANG;
    const ended = look.writing();
    state.now += 400;
    ended('done');
    look.writing();
    const sentAt = state.now;
    state.now += 500;
    look.reading()('done');
    state.now += 9500;
    expect(await look.atRead(HANG, never)).toBe(HANG);
    expect(await look.atHang(HANG, sentAt, never)).toBe(HANG);
  });

  it('is the fault of the one that a list names', async () => {
    const { look, state } = await learnt();
    state.list = fault('database', 'HTTP 500: oslo_db.exception.DBConnectionError');
    const found = await look.atHang(HANG, state.now - 10_000, never);
    expect([found.kind, found.service, found.message]).toEqual([
      'response-timeout',
      'database',
      'no answer within 10 s (a list fails: HTTP 500: oslo_db.exception.DBConnectionError)',
    ]);
  });

  it('is the fault of who else is silent', async () => {
    const { look, state } = await learnt();
    state.silent.add('glance');
    const found = await look.atHang(HANG, state.now - 10_000, never);
    expect([found.service, found.message]).toEqual([
      'glance',
      "no answer within 10 s (Nova's list answers, glance doesn't answer us)",
    ]);
  });

  it("is the API's own where lists hang as well", async () => {
    const { look, state } = await learnt();
    state.list = HANG;
    expect(await look.atHang(HANG, state.now - 10_000, never)).toBe(HANG);
  });
});

describe('a write that asks no question, as the clean-up sends it', () => {
  it('is evidence of the message queue, while it waits and after it was given up', async () => {
    for (const givenUp of [false, true]) {
      const { look, state } = await learnt();
      state.list = HANG;
      const ended = look.writing();
      state.now += 1000;
      look.reading()('done');
      state.now += 9000;
      if (givenUp) ended('silent');
      state.now += givenUp ? 20_000 : 0;
      expect((await look.atRead(HANG, never)).service).toBe('message-queue');
      expect(await look.queueIsAway(never)).toBe(true);
      // A create that hangs with no list after it is due to the same.
      expect((await look.atHang(HANG, state.now - 3000, never)).service).toBe('message-queue');
    }
  });

  it('is none where no read was answered after it: Nova itself hangs', async () => {
    const { look, state } = await learnt();
    state.list = HANG;
    look.reading()('done');
    const ended = look.writing();
    state.now += 10_000;
    ended('silent');
    // It is back, and that says nothing of the write.
    state.now += 1000;
    look.reading()('done');
    state.now += 5000;
    expect(await look.atRead(HANG, never)).toBe(HANG);
    expect(await look.queueIsAway(never)).toBe(false);
  });

  it('is none where Neutron is silent, whom Nova asks on its way', async () => {
    const { look, state } = await learnt();
    state.silent.add('neutron');
    const ended = look.writing();
    state.now += 1000;
    look.reading()('done');
    state.now += 9000;
    ended('silent');
    expect((await look.atRead(HANG, never)).service).toBe('neutron');
  });

  it('is none once a write that was sent later was carried out', async () => {
    const { look, state } = await learnt();
    look.writing();
    state.now += 1000;
    look.reading()('done');
    look.writing()('done');
    state.now += 9000;
    expect(await look.atRead(HANG, never)).toBe(HANG);
  });

  it('stays evidence where Nova refuses another write, as that never gets to the message queue', async () => {
    const { look, state } = await learnt();
    const ended = look.writing();
    state.now += 1000;
    look.reading()('done');
    state.now += 9000;
    ended('silent');
    look.writing()('other');
    expect((await look.atRead(HANG, never)).service).toBe('message-queue');
  });

  it('is none where reads hang beside those that are answered: one of several APIs hangs', async () => {
    for (const readEnded of [false, true]) {
      const { look, state } = await learnt();
      const read = look.reading();
      const sentAt = state.now;
      const write = look.writing();
      for (let second = 0; second < 10; second++) {
        state.now += 1000;
        look.reading()('done');
      }
      if (readEnded) read('silent');
      write('silent');
      expect(await look.atRead(HANG, never)).toBe(HANG);
      const found = await look.atHang(HANG, sentAt, never);
      expect([found.service, found.message]).toEqual(['nova-api', 'no answer within 10 s (some reads hang as well)']);
    }
  });

  it('is evidence where lists are merely slow', async () => {
    const { look, state } = await learnt();
    const first = look.reading();
    state.now += 5000;
    first('done');
    look.reading();
    look.writing();
    state.now += 4000;
    look.reading()('done');
    expect((await look.atRead(HANG, never)).service).toBe('message-queue');
  });
});

describe('a read without an answer', () => {
  it('is the fault of Keystone or Neutron where they are silent, whom Nova asks for a list', async () => {
    for (const silent of ['keystone', 'neutron'] as const) {
      const { look, state } = await learnt();
      state.silent.add(silent);
      expect((await look.atRead(HANG, never)).service).toBe(silent);
    }
    const { look, state } = await learnt();
    state.silent.add('glance');
    expect(await look.atRead(HANG, never)).toBe(HANG);
  });
});
