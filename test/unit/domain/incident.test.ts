import { describe, expect, it } from 'vitest';
import { fromApiIncident, toApiIncident } from '../../../src/api/incident.ts';
import { toApiProbeTypes } from '../../../src/api/report.ts';
import { type Incident, incidentsOf } from '../../../src/domain/run/incident.ts';
import type { Series } from '../../../src/domain/sample.ts';
import type { AttributedWindow } from '../../../src/domain/upgrade/attribution.ts';
import { createTaskRegistry, type KnownTask } from '../../../src/domain/upgrade/task-registry.ts';
import { incidentSentence, utcTime } from '../../../src/format/incidents.ts';
import { describeProbes } from '../../../src/probes/registry.ts';
import { around, BEGAN, BOOT, LIST_KEPT, LIST_NEW, report, TOKEN, window } from '../../support/live.ts';
import { task } from '../../support/tasks.ts';

const RUN = { clouds: ['prod'], vantages: ['lab'], running: true };

/** Returns the incidents of some windows, in a run of 750 s. */
const find = (...windows: readonly AttributedWindow[]): readonly Incident[] => {
  const keys: readonly Series[] = [LIST_NEW, LIST_KEPT, BOOT, TOKEN, { ...LIST_NEW, cloud: 'far' }];
  const series = keys.map((key) => ({
    series: key,
    windows: windows.filter(
      ({ cloud, probe, connection }) => cloud === key.cloud && probe === key.probe && connection === key.connection,
    ),
    gaps: [],
    watched: { from: BEGAN, until: BEGAN + 750_000 },
  }));
  return incidentsOf(
    windows.toSorted((a, b) => a.start.estimate - b.start.estimate),
    series,
  );
};

const sentenceOf = (incident: Incident | undefined, run = RUN): string =>
  incident === undefined
    ? ''
    : incidentSentence(incident, { probeTypes: describeProbes(), run, time: utcTime({ from: BEGAN, until: BEGAN }) });

const boots = (from: number, until: number | null) =>
  window({ series: BOOT, id: `down-boot-${from}`, start: around(from), end: until === null ? null : around(until) });

/** Returns a handler that was running on a host. */
function handlerOn(host: string, name: string): KnownTask {
  const registry = createTaskRegistry();
  registry.report(task({ id: name, name, role: 'os_nova', kind: 'handler', hosts: [host], start: BEGAN, end: null }));
  const [known] = registry.all();
  if (known === undefined) throw new Error('no task');
  return known;
}

const handler = handlerOn('infra1', 'Stop services');
const restart = handlerOn('compute1', 'Restart services');

describe('incidents', () => {
  it('unite the windows of all probes and connections that overlap or touch', () => {
    const found = find(
      window(),
      window({ series: LIST_KEPT, start: around(300.5), end: around(307.5) }),
      boots(308, 315),
      window({ start: around(600), end: around(602) }),
    );
    expect(found.map(({ windows }) => windows.length)).toEqual([3, 1]);
    expect(found[0]).toMatchObject({
      id: 'incident-prod-lab-server-list-new-1-300',
      kind: 'down',
      start: { estimate: BEGAN + 300_250 },
      end: { estimate: BEGAN + 315_000 },
      duration: { min: 14, estimate: 14.75, max: 16 },
      affected: [
        { probe: 'server-list', connections: ['new', 'reused'] },
        { probe: 'server-boot', connections: [] },
      ],
    });
  });

  it('are apart if everything was up in between, and on different clouds', () => {
    expect(find(window(), boots(309, 315))).toHaveLength(2);
    expect(find(window(), window({ series: { ...LIST_NEW, cloud: 'far' } })).map(({ cloud }) => cloud)).toEqual([
      'prod',
      'far',
    ]);
  });

  it('are apart if the time between two windows was not observed', () => {
    // One boot ended in an error; the next one was not sent before the API failed too.
    const gaps = [{ from: BEGAN + 304_000, until: BEGAN + 325_000 }];
    const failedBoot = window({ series: BOOT, start: around(302), end: around(318, { before: 14, after: 1 }), gaps });
    expect(find(failedBoot, window({ start: around(312), end: around(315) }))).toHaveLength(2);
    expect(find(failedBoot, window({ start: around(303), end: around(315) }))).toHaveLength(1);
  });

  it('are one if a window touches two that are apart', () => {
    const parts = [window({ start: around(300), end: around(302) }), window({ start: around(310), end: around(312) })];
    expect(find(...parts)).toHaveLength(2);
    expect(find(...parts, boots(301, 311)).map(({ windows }) => windows.length)).toEqual([3]);
  });

  it('leave out windows of slowness', () => {
    expect(find(window({ kind: 'degraded' }))).toEqual([]);
  });

  it('have the tasks and the phase of the window that started first, and causes in order of appearance', () => {
    const late = { kind: 'http-500', service: 'nova-api', count: 90, firstAt: BEGAN + 301_000 } as const;
    const early = { kind: 'connection-reset', service: 'nova-api', count: 1, firstAt: BEGAN + 300_000 } as const;
    const [incident] = find(
      window({ candidates: [handler], phase: 'maintenance', causes: [late] }),
      window({ series: LIST_KEPT, start: around(300.4), phase: 'computes', causes: [late, early] }),
    );
    expect(incident).toMatchObject({ phase: 'maintenance', candidates: [{ name: 'Stop services' }] });
    expect(incident?.causes).toEqual([early, { ...late, count: 180 }]);
  });

  it('are open while anything is failing', () => {
    const [incident] = find(window(), boots(301, null));
    expect(incident).toMatchObject({ end: null, duration: { estimate: 450 } });
    expect(incident?.affected.map(({ end }) => end === null)).toEqual([false, true]);
  });
});

describe('the sentence of an incident', () => {
  const failed = window({ candidates: [handler] });

  it('says what failed, for how long, since when, during which task, and what recovered when', () => {
    expect(sentenceOf(find(failed, boots(302, 315))[0])).toBe(
      "The API was down for 7.0 s (6.0 to 8.0 s) from 07:15:00.0 UTC, while handler 'Stop services' of role os_nova on infra1 was running; server boots recovered 8 s later.",
    );
  });

  it('names the task of what it starts with, and that of what failed earlier', () => {
    const later = { ...failed, phase: 'finish' };
    const earlier = { ...boots(293, 301), candidates: [restart, restart], phase: 'computes' };
    const [incident] = find(later, earlier);
    expect(sentenceOf(incident)).toBe(
      "The API was down for 7.0 s (6.0 to 8.0 s) from 07:15:00.0 UTC, while handler 'Stop services' of role os_nova on infra1 was running; server boots began to fail 7 s earlier, while handler 'Restart services' of role os_nova on compute1, or 1 other task, was running, and failed for 8 s.",
    );
    expect(incident?.affected.map(({ probe, phase }) => [probe, phase])).toEqual([
      ['server-boot', 'computes'],
      ['server-list', 'finish'],
    ]);
  });

  it.each([
    ['nothing else', [window()], 'The API was down for 7.0 s (6.0 to 8.0 s) from 07:15:00.0 UTC.'],
    ['an open incident', [window({ end: null })], 'The API has been down since 07:15:00.0 UTC.'],
    [
      'what failed too',
      [window(), window({ series: TOKEN, start: around(301), end: around(305) })],
      'The API was down for 7.0 s (6.0 to 8.0 s) from 07:15:00.0 UTC; token requests failed too, for 4 s.',
    ],
    [
      'what is still failing',
      [window(), boots(302, null)],
      'The API was down for 7.0 s (6.0 to 8.0 s) from 07:15:00.0 UTC; server boots are still failing.',
    ],
    ['boots alone', [boots(302, 315)], 'Servers could not be booted for 13.0 s (12.0 to 14.0 s) from 07:15:02.0 UTC.'],
    [
      'a partial outage',
      [
        window({
          kind: 'partial',
          id: 'partial-1',
          failedRuns: [{ slots: 4, from: BEGAN + 300_500, until: BEGAN + 303_500 }],
          failedShare: { min: 0.3, estimate: 0.5, max: 0.7, slots: 8, width: 1000 },
        }),
      ],
      '50 % (21 to 79 %) of the list requests over new connections failed for 7.0 s (6.0 to 8.0 s) from 07:15:00.0 UTC.',
    ],
  ])('of %s', (_, windows, sentence) => {
    expect(sentenceOf(find(...windows)[0])).toBe(sentence);
  });

  it('of an incident that was open when the run ended says so', () => {
    expect(sentenceOf(find(window({ end: null }))[0], { ...RUN, running: false })).toBe(
      'The API was down for 450 s (6 to 451 s) from 07:15:00.0 UTC until the end of the run.',
    );
  });

  it('is the same when a client writes it from the API, but for its times', () => {
    const [incident] = find(failed, boots(302, 315));
    if (incident === undefined) throw new Error('no incident');
    const probeTypes = describeProbes();
    const { run } = report();
    const fromApi = fromApiIncident(toApiIncident(incident, { run, probeTypes }));
    const time = () => 'noon';
    expect(incidentSentence(fromApi, { run, probeTypes: toApiProbeTypes(probeTypes), time })).toBe(
      incidentSentence(incident, { run, probeTypes, time }),
    );
  });

  it('names cloud and vantage if there are several', () => {
    const run = { ...RUN, clouds: ['prod', 'far'], vantages: ['lab', 'home'] };
    expect(sentenceOf(find(window())[0], run)).toMatch(/^prod from lab: The API was down/);
  });
});
