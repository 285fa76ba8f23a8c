import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { secret } from '../../../src/domain/redaction.ts';
import type { Incident } from '../../../src/domain/run/incident.ts';
import { startWebhook } from '../../../src/webhook/webhook.ts';
import { BEGAN, report, window } from '../../support/live.ts';

const open = report({ windows: [window({ end: null })] }).incidents;
const over = report({ windows: [window()] }).incidents;

/** A receiver that answers with these status codes, the last one again and again. */
async function receive(...statuses: readonly number[]) {
  const bodies: unknown[] = [];
  const arrived: (() => void)[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(JSON.parse(await text(request)));
    response.writeHead(statuses[Math.min(bodies.length, statuses.length) - 1] ?? 200).end();
    for (const notify of arrived.splice(0)) notify();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/services/T0/B0/secret`,
    bodies,
    next: () => new Promise<void>((resolve) => arrived.push(resolve)),
    close: () => server.close(),
  };
}

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Reports what `current` holds to the receiver; returns the problems that were logged. */
function watch(url: string, current: { incidents: readonly Incident[] }): string[] {
  const problems: string[] = [];
  const webhook = startWebhook(
    {
      url: secret(url),
      after: 0,
      since: BEGAN,
      incidents: () => ({ now: BEGAN + 310_000, incidents: current.incidents }),
      textOf: ({ stage, incident }) => `${stage} ${incident.id}`,
      onConnectionChange: (state) => problems.push(state === 'recovered' ? state : state.problem),
    },
    { interval: 10, minRetry: 10, maxRetry: 10 },
  );
  closers.push(() => webhook.stop());
  return problems;
}

describe('the webhook', () => {
  it('receives a text when an incident begins, and one when it is over', async () => {
    const receiver = await receive(200);
    closers.push(receiver.close);
    const current = { incidents: open };
    const begun = receiver.next();
    watch(receiver.url, current);
    await begun;
    current.incidents = over;
    await receiver.next();
    expect(receiver.bodies).toEqual([
      { text: 'open incident-prod-lab-server-list-new-1-300' },
      { text: 'over incident-prod-lab-server-list-new-1-300' },
    ]);
  });

  it('receives a text again that it has not accepted, and the log says why without its URL', async () => {
    const receiver = await receive(500, 200);
    closers.push(receiver.close);
    const first = receiver.next();
    const problems = watch(receiver.url, { incidents: over });
    await first;
    await receiver.next();
    expect(receiver.bodies).toHaveLength(2);
    expect(problems[0]).toBe('it answered 500');
    expect(problems.join(' ')).not.toContain('secret');
  });

  it('receives what is due when the daemon stops', async () => {
    const receiver = await receive(200);
    closers.push(receiver.close);
    const current: { incidents: readonly Incident[] } = { incidents: [] };
    watch(receiver.url, current);
    current.incidents = over;
    await closers.pop()?.();
    expect(receiver.bodies).toHaveLength(1);
  });
});
