import { get } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Sample } from '../../../src/domain/sample.ts';
import { BEGAN } from '../../support/live.ts';
import { okSample } from '../../support/samples.ts';
import { ask, serve } from '../../support/served.ts';

const three = async function* () {
  for (const seq of [0, 1, 2]) yield okSample({ seq, at: BEGAN + seq * 1000 }, 42);
};

describe('the samples', () => {
  it('are JSON lines unless CSV is requested, by name or by the Accept header', async () => {
    await using served = await serve({ stored: three });
    const read = async (query: string, accept = '*/*') => {
      const answer = await fetch(`${served.url}/api/v1/samples${query}`, { headers: { accept } });
      return { type: answer.headers.get('content-type'), lines: (await answer.text()).split(/\r?\n/).slice(0, -1) };
    };
    const json = await read('');
    expect(json.type).toBe('application/x-ndjson; charset=utf-8');
    expect(json.lines.map((line) => JSON.parse(line).seq)).toEqual([0, 1, 2]);
    const csv = await read('', 'text/csv');
    expect(csv.type).toBe('text/csv; charset=utf-8; header=present');
    expect(csv.lines.length).toBe(4);
    expect(csv.lines[0]).toMatch(/^cloud,vantage,probe,connection,/);
    expect((await read('?format=csv')).lines).toEqual(csv.lines);
    expect((await read('?format=jsonl', 'text/csv')).lines).toEqual(json.lines);
  });

  it('are filtered by the journal', async () => {
    await using served = await serve();
    const query =
      'cloud=prod&probe=token&connection=&outcome=failed&from=2026-11-23T08:10:00%2B01:00&to=2026-11-23T07:20:00.5Z&limit=9';
    expect((await ask(`${served.url}/api/v1/samples?${query}`)).body).toBe('');
    await ask(`${served.url}/api/v1/samples`);
    expect(served.filters).toEqual([
      {
        cloud: 'prod',
        probe: 'token',
        connection: '',
        outcome: 'failed',
        from: BEGAN,
        until: BEGAN + 600_500,
        limit: 9,
      },
      {},
    ]);
  });

  it('are an error, not an empty answer, if the journal cannot be read', async () => {
    await using served = await serve({
      // biome-ignore lint/correctness/useYield: it fails before the first
      stored: async function* () {
        throw new Error('disk I/O error');
      },
    });
    expect((await ask(`${served.url}/api/v1/samples`)).status).toBe(500);
  });

  it('are cut off, not ended as if complete, if the journal fails while they are sent', async () => {
    await using served = await serve({
      stored: async function* () {
        for (let seq = 0; seq < 1000; seq++) yield okSample({ seq, at: BEGAN }, 42);
        throw new Error('disk I/O error');
      },
    });
    await expect(ask(`${served.url}/api/v1/samples`)).rejects.toThrow('aborted');
  });

  it('are read only as fast as the client reads, and no further once it has disconnected', async () => {
    let read = 0;
    let ended = false;
    const endless = async function* (): AsyncGenerator<Sample> {
      try {
        for (;;) yield okSample({ seq: read++, at: BEGAN }, 42);
      } finally {
        ended = true;
      }
    };
    await using served = await serve({ stored: endless });
    await new Promise<void>((resolve, reject) => {
      const request = get(`${served.url}/api/v1/samples`, { agent: false }, (answer) => {
        answer.once('readable', () => {
          // Stops reading: the sender has to stop by itself.
          untilStill(() => read).then(() => {
            request.destroy();
            resolve();
          }, reject);
        });
        answer.on('error', () => {});
      });
      request.on('error', () => {});
    });
    const taken = read;
    await until(() => ended);
    expect(ended).toBe(true);
    expect(read - taken).toBeLessThan(1000);
  });
});

const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 250 && !condition(); tries++) await turn();
}

/** Waits until a number is the same in five polls. */
async function untilStill(look: () => number): Promise<void> {
  let last = -1;
  for (let still = 0, tries = 0; still < 5; tries++) {
    if (tries > 400) throw new Error('it never stalled');
    await turn();
    still = look() === last ? still + 1 : 0;
    last = look();
  }
}
