import type { Sentence } from '../api/report.ts';
import { isRegression } from '../domain/check.ts';
import { downtimeOfProbe } from '../domain/downtime/overall.ts';
import type { ProbeDescription } from '../domain/probe.ts';
import { isMuchUnobserved, type Report } from '../domain/run/report.ts';
import { damageText } from '../format/damage.ts';
import { printableLine } from '../format/printable.ts';
import { counted, duration, errorBar, span } from '../format/quantities.ts';
import { seriesNames } from './labels.ts';

/** Summarizes a report for people, one sentence for each kind of downtime and each cloud and vantage. */
export function summarySentences(report: Report): readonly Sentence[] {
  if (report.probes.length === 0)
    return [
      ...damaged(report),
      ...checked(report),
      { text: 'Nothing was watched: there are no samples.', tone: 'warn' },
    ];
  const several = report.clouds.length > 1;
  const sentences = report.clouds.flatMap((place) =>
    report.probeTypes.flatMap((probe) => {
      const sentence = sentenceOf(report, place, probe);
      if (sentence === null || !several) return sentence === null ? [] : [sentence];
      return [
        { ...sentence, text: `${printableLine(place.cloud)} from ${printableLine(place.vantage)}: ${sentence.text}` },
      ];
    }),
  );
  return [
    ...damaged(report),
    ...sentences,
    ...checked(report),
    ...quota(report),
    ...unobserved(report),
    ...servers(report),
  ];
}

/** First of all: it puts everything else in doubt. */
function damaged({ damage }: Report): readonly Sentence[] {
  if (damage.length === 0) return [];
  const text = `The journal is damaged, and only what could be read is shown. Unreadable: ${printableLine(damageText(damage))}.`;
  return [{ text, tone: 'bad' }];
}

type Place = Report['clouds'][number];

function sentenceOf(report: Report, place: Place, { name, sentences }: ProbeDescription): Sentence | null {
  const here = (one: { cloud: string; vantage: string; probe: string }) =>
    one.cloud === place.cloud && one.vantage === place.vantage && one.probe === name;
  const probes = report.probes.filter(({ series }) => here(series));
  if (probes.length === 0) return null;
  const windows = report.windows.filter((window) => window.kind === 'down' && here(window));
  if (windows.length > 0) {
    const isDown = report.run.running && windows.some(({ end }) => end === null);
    const { downtime, outageCount } = downtimeOfProbe(place.overall, name);
    const often = counted(outageCount, 'window');
    const text = `${isDown ? sentences.isDown : sentences.wasDown} ${errorBar(downtime)} in ${often}.`;
    return { text, tone: 'bad' };
  }
  if (probes.every(({ samples }) => samples.ok + samples.failed === 0))
    return { text: sentences.unknown, tone: 'warn' };
  return { text: sentences.neverDown, tone: 'good' };
}

/** What the last stage of checks came to, on each cloud. */
function checked({ checks, clouds }: Report): readonly Sentence[] {
  const hasAfter = new Set(checks.filter(({ stage }) => stage === 'after').map(placeOf));
  const last = checks.filter((one) => one.stage === 'after' || !hasAfter.has(placeOf(one)));
  return last.map(({ stage, cloud, checks: all }) => {
    const where = clouds.length > 1 ? ` on ${printableLine(cloud)}` : '';
    const what = stage === 'after' ? 'The checks after the upgrade' : 'The checks before the upgrade';
    const found = all.filter(isRegression);
    if (found.length > 0)
      return { text: `${what}${where} found ${counted(found.length, 'problem')}: ${namesOf(found)}.`, tone: 'bad' };
    const still = all.filter(({ status }) => status === 'fail');
    if (still.length > 0)
      return {
        text: `${what}${where} found only problems that existed before (${namesOf(still)}).`,
        tone: 'warn',
      };
    return { text: `${what}${where} found no problems.`, tone: 'good' };
  });
}

const placeOf = ({ cloud, vantage }: Report['checks'][number]): string => `${cloud}\n${vantage}`;

/** 'a; b; c and 1 more'. */
function namesOf(found: readonly { readonly name: string }[]): string {
  const names = found.slice(0, 3).map(({ name }) => printableLine(name));
  return `${names.join('; ')}${found.length > names.length ? ` and ${found.length - names.length} more` : ''}`;
}

function unobserved({ run, probes }: Report): readonly Sentence[] {
  const [worst] = probes.toSorted((a, b) => b.unobserved - a.unobserved);
  const total = (run.endedAt - run.startedAt) / 1000;
  if (worst === undefined || !isMuchUnobserved({ unobserved: worst.unobserved, total })) return [];
  const text = `Up to ${duration(worst.unobserved)} of ${span(total)} was not observed (state unknown).`;
  return [{ text, tone: 'warn' }];
}

/** Nova is up, but without room in the quota nothing shows whether it would boot a server. */
function quota({ probes, run }: Report): readonly Sentence[] {
  const nameOf = seriesNames({ run });
  return probes.flatMap(({ series, voids }) =>
    voids
      .filter(({ kind }) => kind === 'quota')
      .map(({ count, message }): Sentence => {
        const tries = count === 1 ? 'once' : `${count} times`;
        const text = `The quota had no room for the server of ${nameOf(series)} (${tries}), so it is unknown whether booting worked then: ${printableLine(message)}. Raise the quota, or free some of it.`;
        return { text, tone: 'warn' };
      }),
  );
}

function servers({ servers: { created, leaked }, run }: Report): readonly Sentence[] {
  if (leaked > 0) {
    const text = run.running
      ? `${counted(leaked, 'test server')} could not be deleted yet.`
      : `${counted(leaked, 'test server')} may be left: 'rollwatch sweep' lists and deletes them.`;
    return [{ text, tone: 'bad' }];
  }
  return created > 0 && !run.running ? [{ text: 'All test servers were deleted.', tone: 'good' }] : [];
}
