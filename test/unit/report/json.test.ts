import { describe, expect, it } from 'vitest';
import { reportJson } from '../../../src/report/json.ts';
import { BEGAN, overall, report, summary, window } from '../../support/live.ts';

describe('the JSON report', () => {
  it('has times in ISO 8601, durations in seconds, and the documented shape', () => {
    const seven = { min: 6, estimate: 7.000000001, max: 8 };
    const all = overall({ downtime: seven, outageCount: 1, longest: 7, down: { 'server-list': seven } });
    const text = reportJson(
      report({
        overall: all,
        windows: [window({ gaps: [{ from: BEGAN + 302_000, until: BEGAN + 302_500 }] })],
        probes: [summary({ windows: 1, availability: 0.9908, downtime: seven, longest: 7 })],
        observationGaps: [{ kind: 'stalled', from: BEGAN, until: BEGAN + 1500.25, message: 'stalled' }],
      }),
    );
    const overallJson = {
      downtimeSeconds: { min: 6, estimate: 7, max: 8 },
      windows: 1,
      longestSeconds: 7,
      unobservedSeconds: 0,
      probes: {
        'server-list': { downtimeSeconds: { min: 6, estimate: 7, max: 8 }, windows: 1 },
        'server-boot': { downtimeSeconds: { min: 0, estimate: 0, max: 0 }, windows: 0 },
        'server-reach': { downtimeSeconds: { min: 0, estimate: 0, max: 0 }, windows: 0 },
        token: { downtimeSeconds: { min: 0, estimate: 0, max: 0 }, windows: 0 },
      },
    };
    const place = { cloud: 'prod', vantage: 'lab' };
    const key = { ...place, probe: 'server-list', connection: 'new', target: '' };
    const edges = {
      start: {
        earliest: '2026-11-23T07:14:59.500Z',
        estimate: '2026-11-23T07:15:00.000Z',
        latest: '2026-11-23T07:15:00.500Z',
      },
      end: {
        earliest: '2026-11-23T07:15:06.500Z',
        estimate: '2026-11-23T07:15:07.000Z',
        latest: '2026-11-23T07:15:07.500Z',
      },
    };
    const causes = [
      { kind: 'connection-refused', service: 'nova-api', count: 10 },
      { kind: 'http-503', service: 'load-balancer', count: 2 },
    ];
    /** Half a second of the window was not observed. */
    const observed = { min: 5.5, estimate: 6.5, max: 7.5 };
    expect(JSON.parse(text)).toEqual({
      summary: [{ text: 'The API was down for 6.5 s (5.5 to 7.5 s) from 07:15:00.0 UTC.', tone: 'bad' }],
      run: {
        id: 'run-1',
        startedAt: '2026-11-23T07:10:00.000Z',
        endedAt: '2026-11-23T07:22:30.000Z',
        durationSeconds: 750,
        running: false,
        version: '0.1.0',
        clouds: ['prod'],
        vantages: ['lab'],
        facts: {},
        sessions: [{ id: 1, startedAt: '2026-11-23T07:10:00.000Z', endedAt: '2026-11-23T07:22:30.000Z', ended: true }],
      },
      overall: overallJson,
      clouds: [{ ...place, overall: overallJson, servers: { created: 0, deleted: 0, leaked: 0 } }],
      probeTypes: [
        {
          name: 'server-list',
          label: 'API',
          activity: null,
          sharpens: null,
          countsOverall: true,
          sentences: { operations: 'list requests', wasDown: 'The API was down for', isDown: 'The API has been down' },
        },
        {
          name: 'server-boot',
          label: 'boot',
          activity: 'booting',
          sharpens: null,
          countsOverall: true,
          sentences: {
            operations: 'server boots',
            wasDown: 'Servers could not be booted for',
            isDown: 'Server boots have been failing',
          },
        },
        {
          name: 'server-reach',
          label: 'data-plane',
          activity: null,
          sharpens: null,
          countsOverall: false,
          sentences: {
            operations: 'connections to running servers',
            wasDown: 'Running servers could not be reached for',
            isDown: 'Running servers have been unreachable',
          },
        },
        {
          name: 'token',
          label: 'token',
          activity: null,
          sharpens: null,
          countsOverall: false,
          sentences: {
            operations: 'token requests',
            wasDown: 'Tokens could not be issued for',
            isDown: 'Token requests have been failing',
          },
        },
        {
          name: 'pilot',
          label: 'pilot',
          activity: null,
          sharpens: 'server-list',
          countsOverall: false,
          sentences: {
            operations: 'version requests',
            wasDown: 'Version requests failed for',
            isDown: 'Version requests have been failing',
          },
        },
      ],
      probes: [
        {
          ...key,
          intervalSeconds: 1,
          slowSeconds: 1,
          samples: { ok: 750, failed: 0, void: 0, missed: 0, extra: 0 },
          voids: [],
          availability: 0.9908,
          downtimeSeconds: { min: 6, estimate: 7, max: 8 },
          windows: 1,
          longestSeconds: 7,
          degradedSeconds: { min: 0, estimate: 0, max: 0 },
          observedSeconds: 750,
          unobservedSeconds: 0,
          gaps: [],
          latencySeconds: { p50: 0.042, p95: 0.088, p99: 0.123, max: 0.514 },
        },
      ],
      incidents: [
        {
          id: 'incident-prod-lab-server-list-new-1-300',
          cloud: 'prod',
          kind: 'down',
          sentence: 'The API was down for 6.5 s (5.5 to 7.5 s) from 07:15:00.0 UTC.',
          ...edges,
          durationSeconds: observed,
          affected: [
            {
              vantage: 'lab',
              probe: 'server-list',
              kind: 'down',
              connections: ['new'],
              targets: [],
              ...edges,
              durationSeconds: observed,
              downtimeSeconds: observed,
              failedShare: null,
              task: null,
              otherTasks: 0,
              phase: null,
            },
          ],
          causes,
          task: null,
          candidates: [],
          phase: null,
          windows: ['down-prod-lab-server-list-new-1-300'],
          provisional: false,
        },
      ],
      notes: [],
      windows: [
        {
          id: 'down-prod-lab-server-list-new-1-300',
          ...key,
          countsFor: 'server-list',
          startBy: 'server-list',
          endBy: 'server-list',
          kind: 'down',
          ...edges,
          durationSeconds: { min: 6, estimate: 7, max: 8 },
          downtimeSeconds: { min: 6, estimate: 7, max: 8 },
          failedShare: null,
          slots: 7,
          failedSlots: 7,
          longestRun: 7,
          failedSamples: 12,
          causes,
          task: null,
          candidates: [],
          phase: null,
          provisional: false,
          gaps: [{ startedAt: '2026-11-23T07:15:02.000Z', endedAt: '2026-11-23T07:15:02.500Z' }],
        },
      ],
      observationGaps: [
        {
          kind: 'stalled',
          message: 'stalled',
          startedAt: '2026-11-23T07:10:00.000Z',
          endedAt: '2026-11-23T07:10:01.500Z',
          durationSeconds: 1.50025,
        },
      ],
      servers: { created: 0, deleted: 0, leaked: 0 },
      checks: [],
      damage: [],
      tasks: [],
      verdict: { plan: null, result: 'not-judged', judged: [], notJudged: [], run: null, outside: null },
      phases: [],
    });
  });
});
