import type { ApiPhase, ApiVerdict } from '../../api/phase.ts';
import type { ApiSeriesStatus, ApiStatus } from '../../api/status.ts';
import { budgetLimit, measureText, RESULT_WORDS } from '../../format/budgets.ts';
import { causeLabel } from '../../format/causes.ts';
import { printableLine } from '../../format/printable.ts';
import { counted, duration, errorBar, span } from '../../format/quantities.ts';
import { seriesNames, WINDOW_WORDS } from '../../format/run-labels.ts';

/** `partial`: some requests fail and others do not; `unknown`: nothing was sampled lately, so nobody can say whether the cloud is up. */
export type WatchedState = 'up' | 'degraded' | 'partial' | 'down' | 'unknown';

/** The answers of a daemon about one moment. */
export type DaemonAnswers = {
  readonly status: ApiStatus;
  readonly phases: readonly ApiPhase[];
  readonly verdict: ApiVerdict;
};

/** What is down now: since when, by the best estimate, and which series. */
export type CurrentOutage = {
  readonly since: string;
  readonly durationSeconds: number;
  readonly series: readonly string[];
};

/** Returns the series in one of the states. */
const inState = ({ series }: ApiStatus, ...wanted: readonly WatchedState[]): readonly ApiSeriesStatus[] =>
  series.filter(({ state }) => wanted.includes(state));

/** A sampler that has not reported for this long has died or stalled. */
const MAX_SILENCE_MS = 5000;

export function watchedState(status: ApiStatus): WatchedState {
  if (silentSeconds(status) !== null) return 'unknown';
  if (inState(status, 'down').length > 0) return 'down';
  if (inState(status, 'partial').length > 0) return 'partial';
  if (status.paused || inState(status, 'unknown').length === status.series.length) return 'unknown';
  return inState(status, 'degraded').length > 0 ? 'degraded' : 'up';
}

/** Returns what is down, or null. If the daemon knows nothing, an outage that it saw last may be over. */
export function currentOutage(status: ApiStatus): CurrentOutage | null {
  const down = silentSeconds(status) === null ? inState(status, 'down', 'partial') : [];
  const [since] = down.map((series) => startOf(status, series)).toSorted();
  if (since === undefined) return null;
  const durationSeconds = Math.max(0, (Date.parse(status.at) - Date.parse(since)) / 1000);
  return { since, durationSeconds, series: down.map(nameIn(status)) };
}

/** Returns since when a series is down: from the start of its window or, if that is unknown, from its last sample. */
const startOf = (status: ApiStatus, { open, lastSample }: ApiSeriesStatus): string =>
  open?.start.estimate ?? lastSample?.startedAt ?? status.at;

/**
 * Describes the state in one line: what is down since when and why, what the phase allows, the task, the downtime and
 * the verdict so far, and whether Rollwatch itself works.
 */
export function statusSentence({ status, phases, verdict }: DaemonAnswers): string {
  const running = phases.find((phase) => phase.running);
  // The sentence of an incident names the task that was running when it started.
  const [task] = status.tasks.filter(({ id }) => !status.incidents.some((incident) => incident.task?.id === id));
  const parts = [
    stateText(status),
    ...ownProblems(status),
    ...(running === undefined ? [] : [phaseText(running)]),
    ...(task === undefined ? [] : [`${task.kind} '${task.name}' is running`]),
    downtimeText(status),
    ...(verdict.plan === null ? [] : [`verdict so far: ${RESULT_WORDS[verdict.result]}`]),
  ];
  return parts.map(printableLine).join('; ');
}

function stateText(status: ApiStatus): string {
  const { series, paused, at, startedAt } = status;
  const nameOf = nameIn(status);
  const silent = silentSeconds(status);
  if (silent !== null) return `UNKNOWN: the sampler has been silent for ${duration(Math.round(silent))}`;
  const outage = currentOutage(status);
  if (outage !== null) return outageText(status, outage);
  if (paused) return 'PAUSED: nothing is sampled';
  const unknown = inState(status, 'unknown');
  if (unknown.length === series.length) return 'UNKNOWN: there is no valid sample yet';
  const slow = inState(status, 'degraded');
  const watched = `watched for ${span((Date.parse(at) - Date.parse(startedAt)) / 1000)}`;
  const notes = [
    ...(slow.length === 0 ? [] : [`slow: ${slow.map(nameOf).join(', ')}`]),
    ...(unknown.length === 0 ? [] : [`unknown: ${unknown.map(nameOf).join(', ')}`]),
    watched,
  ];
  return `${slow.length === 0 ? 'UP' : 'SLOW'} (${notes.join('; ')})`;
}

/** Describes what fails by its incidents or, until they are known, by its series. */
function outageText(status: ApiStatus, { durationSeconds, since, series }: CurrentOutage): string {
  const word = watchedState(status) === 'down' ? WINDOW_WORDS.down : WINDOW_WORDS.partial;
  if (status.incidents.length === 0)
    return `${word} for ${duration(durationSeconds)} since ${since.slice(11, 19)} UTC: ${series.join(', ')}`;
  const sentences = status.incidents.map(({ sentence, causes: [cause] }) => {
    const what = sentence.replace(/\.$/, '');
    return cause === undefined ? what : `${what}; cause: ${causeLabel(cause)}`;
  });
  return `${word} for ${duration(durationSeconds)}: ${sentences.join('; ')}`;
}

/** Lists problems of Rollwatch itself. */
const ownProblems = ({ journal, series, servers }: ApiStatus): readonly string[] => [
  ...(journal.state === 'stopped' ? [`NOT RECORDING: ${journal.reason} (${journal.waitingEntries} waiting)`] : []),
  ...series.flatMap(({ probe, suspended }) =>
    suspended === null || suspended === 'paused' ? [] : [`${probe} suspended: ${suspended}`],
  ),
  ...(servers.leaked > 0 ? [`${counted(servers.leaked, 'test server')} not deleted`] : []),
];

/** Names the phase, and how much of each budget of downtime it has used. */
function phaseText({ name, budgets }: ApiPhase): string {
  const used = budgets
    .filter((budget) => budget.name.endsWith('_downtime'))
    .map((budget) => `${budgetLimit(budget)}, used ${measureText(budget.name, budget.measured)}`);
  return used.length === 0 ? `phase ${name}` : `phase ${name} (${used.join('; ')})`;
}

function downtimeText({ overall: { windows, downtimeSeconds } }: ApiStatus): string {
  return windows === 0 ? 'no downtime' : `down ${errorBar(downtimeSeconds)} in ${counted(windows, 'window')}`;
}

function nameIn({ series }: ApiStatus): (key: ApiSeriesStatus) => string {
  const clouds = [...new Set(series.map(({ cloud }) => cloud))];
  const vantages = [...new Set(series.map(({ vantage }) => vantage))];
  return seriesNames({ run: { clouds, vantages } });
}

/** Returns for how long the sampler has been silent; null if it reports as it should. */
function silentSeconds({ at, sampler }: ApiStatus): number | null {
  const millis = sampler === null ? 0 : Date.parse(at) - Date.parse(sampler.at);
  return millis > MAX_SILENCE_MS ? millis / 1000 : null;
}
