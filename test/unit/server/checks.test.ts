import { describe, expect, it } from 'vitest';
import type { CheckRun } from '../../../src/domain/check.ts';
import { serve } from '../../support/served.ts';

const run: CheckRun = {
  stage: 'before',
  cloud: 'prod',
  vantage: 'lab',
  at: 1_700_000_000_000,
  checks: [{ name: 'services: nova-conductor', status: 'pass', detail: '2 of 2 up' }],
  baseline: '{"services":null,"survivors":null}',
};

const post = (url: string, body: unknown) =>
  fetch(`${url}/api/v1/checks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

describe('checks that are reported to a daemon', () => {
  it('are returned as they were reported, in order', async () => {
    await using served = await serve();
    expect(await (await post(served.url, { runs: [run] })).json()).toEqual({ accepted: 1 });
    await post(served.url, { runs: [{ ...run, stage: 'after', checks: [] }] });
    expect(await (await fetch(`${served.url}/api/v1/checks`)).json()).toEqual({
      runs: [run, { ...run, stage: 'after', checks: [] }],
    });
  });

  it('are all rejected if one is invalid, with the path of the mistake', async () => {
    await using served = await serve();
    const answer = await post(served.url, { runs: [run, { ...run, stage: 'during' }] });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ parameter: 'runs[1].stage' });
    expect(await (await fetch(`${served.url}/api/v1/checks`)).json()).toEqual({ runs: [] });
  });
});
