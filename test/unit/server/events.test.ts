import { describe, expect, it } from 'vitest';
import { chartSchema } from '../../../src/api/chart.ts';
import { around, BEGAN, live, liveSeries, ofListNew, report, window } from '../../support/live.ts';
import { failedSample, okSample } from '../../support/samples.ts';
import { serve } from '../../support/served.ts';

/** Reads events one by one; comments are events named ':'. */
async function* eventsOf(url: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${url}/api/v1/events`, { headers });
  let text = '';
  for await (const piece of (answer.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    text += piece;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      const data = field('data');
      yield { event: block.startsWith(':') ? ':' : field('event'), id: field('id'), data: data && JSON.parse(data) };
    }
  }
}

const down = window({ start: around(745), end: null });
const closed = window({ start: around(745), end: around(748) });

/** Returns the next event that is neither a heartbeat nor a retry hint. */
async function next(events: ReturnType<typeof eventsOf>) {
  for (;;) {
    const { value } = await events.next();
    if (value?.event !== ':' && value?.event !== undefined) return value;
    if (value === undefined) return undefined;
  }
}

describe('the event stream', () => {
  it('starts with the status, and sends each change and each final window once', async () => {
    await using served = await serve();
    const events = eventsOf(served.url);
    expect(await next(events)).toMatchObject({ event: 'status', data: { series: [{ state: 'up' }] } });
    served.show(live({ series: [liveSeries({ status: 'down', open: down })], report: report({ windows: [down] }) }));
    expect(await next(events)).toMatchObject({ event: 'status', data: { series: [{ state: 'down' }] } });
    // Only time has passed, which is no change.
    served.show(
      live({
        at: BEGAN + 760_000,
        series: [liveSeries({ status: 'down', open: down })],
        report: report({ windows: [down] }),
      }),
    );
    served.show(live({ report: report({ windows: [{ ...closed, provisional: true }] }) }));
    expect(await next(events)).toMatchObject({ event: 'status', data: { series: [{ state: 'up' }] } });
    served.show(live({ report: report({ windows: [closed] }) }));
    expect(await next(events)).toMatchObject({ event: 'window', id: closed.id, data: { id: closed.id, kind: 'down' } });
    served.show(live({ paused: true, report: report({ windows: [closed] }) }));
    expect(await next(events)).toMatchObject({ event: 'status', data: { paused: true } });
    await events.return();
  });

  it('sends the status regularly even without changes, so that silence means a lost connection', async () => {
    await using served = await serve({ events: { check: 10, heartbeat: 30, alive: 60_000 } });
    const events = eventsOf(served.url);
    expect((await next(events))?.event).toBe('status');
    expect((await next(events))?.event).toBe('status');
    await events.return();
  });

  it('sends heartbeats of the daemon and its sampler between the statuses', async () => {
    await using served = await serve({ events: { check: 10, heartbeat: 60_000, alive: 20 } });
    const events = eventsOf(served.url);
    expect((await next(events))?.event).toBe('status');
    expect(await next(events)).toEqual({
      event: 'alive',
      id: undefined,
      data: { at: '2026-11-23T07:22:30.000Z', samplerAt: '2026-11-23T07:22:29.500Z' },
    });
    await events.return();
  });

  it('sends new samples in columns', async () => {
    await using served = await serve();
    const events = eventsOf(served.url);
    expect((await next(events))?.event).toBe('status');
    served.sample(ofListNew(okSample({ seq: 0, at: BEGAN }, 42)));
    served.sample(ofListNew(failedSample({ seq: 1, at: BEGAN + 1000 })));
    const event = await next(events);
    expect(event?.event).toBe('samples');
    expect(chartSchema.parse(event?.data)).toMatchObject({ series: [{ after: [0, 1000], outcomes: 'of' }] });
    await events.return();
  });

  it('sends missed windows to a client that reconnects', async () => {
    const windows = [window(), { ...closed, id: 'second' }, { ...closed, id: 'third' }];
    await using served = await serve({ now: live({ report: report({ windows }) }) });
    const events = eventsOf(served.url, { 'last-event-id': window().id });
    expect((await next(events))?.event).toBe('status');
    expect((await next(events))?.id).toBe('second');
    expect((await next(events))?.id).toBe('third');
    await events.return();
  });

  it('ends when the server is closed', async () => {
    const served = await serve();
    const events = eventsOf(served.url);
    await next(events);
    const rest = (async () => {
      while ((await next(events)) !== undefined);
    })().catch(() => 'cut off');
    await served[Symbol.asyncDispose]();
    await rest;
    await expect(fetch(`${served.url}/healthz`)).rejects.toThrow();
  });
});
