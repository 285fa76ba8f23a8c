import { describe, expect, it } from 'vitest';
import { sampleCsv, sampleCsvHead } from '../../../src/report/csv.ts';
import { sampleJson } from '../../../src/report/json.ts';
import { BEGAN } from '../../support/live.ts';
import { failedSample, okSample, voidSample } from '../../support/samples.ts';

describe('a sample as a line', () => {
  it('of JSON has every field, null where it does not apply', () => {
    const line = sampleJson({
      ...okSample({ seq: 3, at: BEGAN + 0.25 }, 42),
      stages: { connect: 0.002 },
      requestId: 'req-1',
    });
    expect(line.endsWith('}\n')).toBe(true);
    expect(JSON.parse(line)).toEqual({
      cloud: 'cloud',
      vantage: 'here',
      probe: 'server-list',
      connection: 'new',
      target: '',
      session: 1,
      seq: 3,
      dueAt: '2026-11-23T07:10:00.000Z',
      startedAt: '2026-11-23T07:10:00.000Z',
      endedAt: '2026-11-23T07:10:00.042Z',
      durationSeconds: 0.042,
      outcome: 'ok',
      extra: false,
      slots: 1,
      cause: null,
      stages: { connect: 0.002 },
      requestId: 'req-1',
      serverId: null,
      lastKnownUpAt: '2026-11-23T07:10:00.000Z',
      failureStartedAt: null,
      settledAt: '2026-11-23T07:10:00.042Z',
      timedOut: null,
    });
  });

  it('of JSON has the cause, and the slots of a void sample', () => {
    expect(JSON.parse(sampleJson(failedSample({ seq: 0, at: BEGAN }, { timedOut: true, took: 1000 })))).toMatchObject({
      outcome: 'failed',
      cause: {
        kind: 'connection-refused',
        service: 'nova-api',
        message: 'connection-refused',
        status: null,
        body: null,
      },
      lastKnownUpAt: null,
      failureStartedAt: '2026-11-23T07:10:00.000Z',
      timedOut: true,
    });
    const missed = { ...voidSample({ seq: 0, at: BEGAN }), outcome: 'void', slots: 7 } as const;
    expect(
      JSON.parse(sampleJson({ ...missed, cause: { kind: 'missed', service: 'rollwatch', message: '' } })),
    ).toMatchObject({
      outcome: 'void',
      slots: 7,
      settledAt: null,
    });
  });

  it('of CSV has as many fields as the header, quoted as RFC 4180 requires', () => {
    const sample = failedSample({ seq: 0, at: BEGAN });
    const line = sampleCsv({
      ...sample,
      outcome: 'failed',
      cause: { kind: 'http-500', service: 'nova-api', message: 'said "no", twice', status: 500, body: 'a\nb' },
      lastKnownUpAt: null,
      failureStartedAt: BEGAN,
      settledAt: BEGAN,
      timedOut: false,
      stages: { connect: 0.002, first_byte: 0.04 },
    });
    const at = '2026-11-23T07:10:00.000Z';
    expect(line).toBe(
      `cloud,here,server-list,new,1,0,${at},${at},${at},0,failed,false,1,http-500,nova-api,` +
        `"said ""no"", twice",500,"a\nb",connect=0.002 first_byte=0.04,,,,${at},${at},false,\r\n`,
    );
    expect(sampleCsvHead.split(',').length).toBe(26);
    expect(sampleCsvHead).toMatch(/^cloud,vantage,probe,.*,settledAt,timedOut,target\r\n$/);
  });
});
