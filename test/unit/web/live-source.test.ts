import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ApiStatus } from '../../../src/api/status.ts';
import { followDaemon } from '../../../src/web/live-source.ts';
import { createStore } from '../../../src/web/state.ts';

const BEGAN = Date.UTC(2026, 10, 23, 7, 10);
const NONE = { min: 0, estimate: 0, max: 0 };

const STATUS: ApiStatus = {
  at: new Date(BEGAN).toISOString(),
  version: '0.1.0',
  run: 'run-1',
  startedAt: new Date(BEGAN).toISOString(),
  paused: false,
  overall: { downtimeSeconds: NONE, windows: 0, longestSeconds: 0, unobservedSeconds: 0, probes: {} },
  probeTypes: [],
  incidents: [],
  series: [],
  tasks: [],
  phase: null,
  journal: { state: 'recording' },
  sampler: { at: new Date(BEGAN - 500).toISOString(), lagSeconds: 0.003, inFlight: 1, clockOffsetSeconds: 0 },
  servers: { created: 0, deleted: 0, leaked: 0 },
};

/** Stands in for the browser's EventSource. */
class Stream extends EventTarget {
  static last: Stream | null = null;
  constructor() {
    super();
    Stream.last = this;
  }
  close(): void {}
}

const send = (event: string, data: unknown) =>
  Stream.last?.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data) }));
const second = (seconds: number) => new Date(BEGAN + seconds * 1000).toISOString();

beforeEach(() => {
  vi.useFakeTimers({ now: BEGAN });
  vi.stubGlobal('EventSource', Stream);
  vi.stubGlobal('document', { hidden: true });
  vi.stubGlobal('fetch', async () => new Response('', { status: 503 }));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the page of a daemon', () => {
  it('notices within 3 s that the daemon is frozen, and continues with its next event', async () => {
    const store = createStore();
    const source = followDaemon(store);
    send('status', STATUS);
    for (let at = 1; at <= 10; at++) {
      await vi.advanceTimersByTimeAsync(1000);
      send('alive', { at: second(at), samplerAt: second(at) });
    }
    expect(store.get().link).toEqual({ kind: 'live' });
    await vi.advanceTimersByTimeAsync(2250);
    expect(store.get().link).toEqual({ kind: 'live' });
    await vi.advanceTimersByTimeAsync(750);
    expect(store.get().link).toEqual({ kind: 'lost', since: BEGAN + 10_000 });
    send('alive', { at: second(13), samplerAt: second(13) });
    expect(store.get().link).toEqual({ kind: 'live' });
    source.close();
  });

  it('shows every second when the sampler last reported', () => {
    const store = createStore();
    const source = followDaemon(store);
    send('status', STATUS);
    send('alive', { at: second(5), samplerAt: second(3) });
    expect(store.get().status?.sampler?.at).toBe(second(3));
    send('alive', { at: second(6), samplerAt: null });
    expect(store.get().status?.sampler?.at).toBe(second(3));
    source.close();
  });
});
