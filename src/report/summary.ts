import type { Sentence } from '../api/report.ts';
import { isRegression } from '../domain/check.ts';
import { downtimeOfProbe } from '../domain/downtime/overall.ts';
import { isOutage } from '../domain/downtime/window.ts';
import { accountOf, type ProbeDescription } from '../domain/probe.ts';
import type { Incident } from '../domain/run/incident.ts';
import { isMuchUnobserved, type Report } from '../domain/run/report.ts';
import type { SeriesKey } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';
import { damageText } from '../format/damage.ts';
import { type Expectation, expectationsOf } from '../format/expectation.ts';
import { incidentSentence, leadOf } from '../format/incidents.ts';
import { printableLine } from '../format/printable.ts';
import { counted, duration, errorBar, span } from '../format/quantities.ts';
import { seriesNames } from '../format/run-labels.ts';

/** Further incidents are only counted. */
const MAX_INCIDENTS = 5;

/**
 * Summarises a report in sentences: the incidents, then what each probe found on each cloud as far as the incidents do
 * not say it, then everything else that is noteworthy. `time` formats a time to a tenth of a second.
 */
export function summarySentences(report: Report, time: (at: Millis) => string): readonly Sentence[] {
  if (report.probes.length === 0)
    return [
      ...damageSentences(report),
      ...checkSentences(report),
      { text: 'Nothing was watched: there are no samples.', tone: 'warn' },
    ];
  const several = report.clouds.length > 1;
  const sentences = report.clouds.flatMap((place) =>
    report.probeTypes.flatMap((probe) => {
      const sentence = downtimeSentence(report, place, probe);
      if (sentence === null || !several) return sentence === null ? [] : [sentence];
      return [
        { ...sentence, text: `${printableLine(place.cloud)} from ${printableLine(place.vantage)}: ${sentence.text}` },
      ];
    }),
  );
  return [
    ...damageSentences(report),
    ...incidentSentences(report, time),
    ...sentences,
    ...checkSentences(report),
    ...quotaSentences(report),
    ...unobservedSentences(report),
    ...serverSentences(report),
  ];
}

/** Says that the journal is damaged: first of all (after the verdict, if any), as it puts everything else in doubt. */
function damageSentences({ damage }: Report): readonly Sentence[] {
  if (damage.length === 0) return [];
  const text = `The journal is damaged, and only what could be read is shown. Unreadable: ${printableLine(damageText(damage))}.`;
  return [{ text, tone: 'bad' }];
}

function incidentSentences(report: Report, time: (at: Millis) => string): readonly Sentence[] {
  const shown = report.incidents.slice(0, MAX_INCIDENTS);
  const rest = report.incidents.length - shown.length;
  return [
    ...shown.map((incident): Sentence => {
      const text = incidentSentence(incident, { ...report, time });
      const expected = expectationOfIncident(incident, report);
      if (expected === null || expected.tone === 'unknown') return { text, tone: 'bad' };
      return { text: `${text} ${printableLine(expected.text)}`, tone: expected.tone === 'bad' ? 'bad' : 'warn' };
    }),
    ...(rest > 0 ? [{ text: `There were ${counted(rest, 'more incident')}.`, tone: 'bad' } as const] : []),
  ];
}

/** Says whether the plan expected an incident, by the worst of what it affected; null without a plan. */
function expectationOfIncident({ affected }: Incident, { verdict, probeTypes }: Report): Expectation | null {
  if (verdict.plan === null) return null;
  const phaseNamed = (name: string | null) => verdict.phases.find((phase) => phase.name === name) ?? verdict.outside;
  const failed = probeTypes.flatMap(({ name, label }) =>
    affected.filter(({ probe }) => probe === name).map(({ phase }) => ({ name, label, phase: phaseNamed(phase) })),
  );
  return expectationsOf(failed, 'then')[0] ?? null;
}

type Place = Report['clouds'][number];

/** Whether the sentence of an incident says all that a probe found from somewhere. */
function isTold({ run, incidents, probeTypes }: Report, isHere: (key: SeriesKey) => boolean): boolean {
  const [incident, ...others] = incidents.filter(({ windows }) => windows.some(isHere));
  if (incident === undefined || others.length > 0 || (incident.end === null && run.running)) return false;
  const lead = leadOf(incident, probeTypes);
  return (
    lead !== undefined &&
    isHere({ cloud: incident.cloud, vantage: lead.vantage, probe: lead.probe, connection: '', target: '' })
  );
}

function downtimeSentence(report: Report, place: Place, { name, sentences }: ProbeDescription): Sentence | null {
  const isHere = ({ cloud, vantage, probe }: SeriesKey) =>
    cloud === place.cloud && vantage === place.vantage && accountOf(report.probeTypes, probe) === name;
  const probes = report.probes.filter(({ series }) => isHere(series));
  if (probes.length === 0) return null;
  const windows = report.windows.filter((window) => isOutage(window) && isHere(window));
  if (windows.length > 0) {
    const isDown = report.run.running && windows.some(({ end }) => end === null);
    const { downtime, outageCount } = downtimeOfProbe(place.overall, name);
    const countedWindows = counted(outageCount, 'window');
    if (outageCount === 1 && isTold(report, isHere)) return null;
    const text = `${isDown ? `${sentences.isDown} for` : sentences.wasDown} ${errorBar(downtime)} in ${countedWindows}.`;
    return { text, tone: 'bad' };
  }
  if (probes.every(({ samples }) => samples.ok + samples.failed === 0))
    return { text: sentences.unknown, tone: 'warn' };
  return { text: sentences.neverDown, tone: 'good' };
}

/** Says what the last stage of checks found, on each cloud. */
function checkSentences({ checks, clouds }: Report): readonly Sentence[] {
  const hasAfter = new Set(checks.filter(({ stage }) => stage === 'after').map(placeOf));
  const last = checks.filter((report) => report.stage === 'after' || !hasAfter.has(placeOf(report)));
  return last.map(({ stage, cloud, checks: all }) => {
    const where = clouds.length > 1 ? ` on ${printableLine(cloud)}` : '';
    const what = stage === 'after' ? 'The checks after the upgrade' : 'The checks before the upgrade';
    const regressions = all.filter(isRegression);
    if (regressions.length > 0)
      return {
        text: `${what}${where} found ${counted(regressions.length, 'problem')}: ${namesOf(regressions)}.`,
        tone: 'bad',
      };
    const failures = all.filter(({ status }) => status === 'fail');
    if (failures.length > 0)
      return {
        text: `${what}${where} found only problems that existed before (${namesOf(failures)}).`,
        tone: 'warn',
      };
    return { text: `${what}${where} found no problems.`, tone: 'good' };
  });
}

const placeOf = ({ cloud, vantage }: Report['checks'][number]): string => `${cloud}\n${vantage}`;

/** Lists names: 'a; b; c and 1 more'. */
function namesOf(found: readonly { readonly name: string }[]): string {
  const names = found.slice(0, 3).map(({ name }) => printableLine(name));
  return `${names.join('; ')}${found.length > names.length ? ` and ${found.length - names.length} more` : ''}`;
}

function unobservedSentences({ run, probes, probeTypes }: Report): readonly Sentence[] {
  const [worst] = probes
    .filter(({ series }) => accountOf(probeTypes, series.probe) === series.probe)
    .toSorted((a, b) => b.unobserved - a.unobserved);
  const total = (run.endedAt - run.startedAt) / 1000;
  if (worst === undefined || !isMuchUnobserved({ unobserved: worst.unobserved, total })) return [];
  const text = `Up to ${duration(worst.unobserved)} of ${span(total)} was not observed (state unknown).`;
  return [{ text, tone: 'warn' }];
}

/** Warns that, without room in the quota, nothing shows whether Nova would have booted a server. */
function quotaSentences({ probes, run }: Report): readonly Sentence[] {
  const nameOf = seriesNames({ run });
  return probes.flatMap(({ series, voids }) =>
    voids
      .filter(({ kind }) => kind === 'quota')
      .map(({ count, message }): Sentence => {
        const tries = count === 1 ? 'once' : `${count} times`;
        const text = `The quota had no room for the server of ${nameOf(series)} (${tries}), so it is unknown whether servers could be booted then: ${printableLine(message)}. Raise the quota, or free some of it.`;
        return { text, tone: 'warn' };
      }),
  );
}

function serverSentences({ servers: { created, leaked }, run }: Report): readonly Sentence[] {
  if (leaked > 0) {
    const text = run.running
      ? `${counted(leaked, 'test server')} could not be deleted yet.`
      : `${counted(leaked, 'test server')} may be left: 'rollwatch sweep' lists and deletes them.`;
    return [{ text, tone: 'bad' }];
  }
  return created > 0 && !run.running ? [{ text: 'All test servers were deleted.', tone: 'good' }] : [];
}
