import type { ProbeDescription, ProbeSentences } from '../domain/probe.ts';
import type { Affected, Incident } from '../domain/run/incident.ts';
import type { Note } from '../domain/run/note.ts';
import { type Interval, type Millis, toIso } from '../domain/time.ts';
import { printableLine } from './printable.ts';
import { counted, duration, errorBar, shareText } from './quantities.ts';
import { nameWithHosts } from './task-names.ts';

type NamedTask = Parameters<typeof nameWithHosts>[0];

/** One probe's part of an incident; of its task, the name and the hosts are enough. */
type DescribedPart = Omit<Affected, 'task'> & { readonly task: NamedTask | null };

type DescribedIncident = Pick<Incident, 'cloud'> & { readonly affected: readonly DescribedPart[] };

/** What is said of a probe. */
type ProbeWords = Pick<ProbeDescription, 'name' | 'label'> & {
  readonly sentences: Pick<ProbeSentences, 'operations' | 'wasDown' | 'isDown'>;
};

type IncidentOptions = {
  readonly probeTypes: readonly ProbeWords[];
  readonly run: {
    /** Named only if there are several. */
    readonly clouds: readonly string[];
    readonly vantages: readonly string[];
    readonly running: boolean;
  };
  /** Formats a time to a tenth of a second. */
  readonly time: (at: Millis) => string;
};

/** Returns a function that formats a time of a run in UTC: '20:06:19.1 UTC', with the date if the run has several. */
export function utcTime({ from, until }: Interval): (at: Millis) => string {
  const isOneDay = toIso(from).slice(0, 10) === toIso(until).slice(0, 10);
  return (at) =>
    `${toIso(at)
      .slice(isOneDay ? 11 : 0, 21)
      .replace('T', ' ')} UTC`;
}

/** Two probes that recover this close together, in milliseconds, recovered together. */
const SAME_TIME_MS = 500;

/**
 * Describes an incident in a sentence, without what changes while it is open: "The API was down for 9.6 s (9.5 to 10.2 s) from 20:06:19.1, while handler 'Stop
 * services' of role os_nova on infra1 was running; server boots recovered 8 s later."
 */
export function incidentSentence(incident: DescribedIncident, { probeTypes, run, time }: IncidentOptions): string {
  const lead = leadOf(incident, probeTypes);
  if (lead === undefined) return '';
  const others = incident.affected.filter((other) => other !== lead);
  const place = [
    ...(run.clouds.length > 1 ? [printableLine(incident.cloud)] : []),
    ...(run.vantages.length > 1 ? [`from ${printableLine(lead.vantage)}`] : []),
  ].join(' ');
  const isOpen = lead.end === null && run.running;
  const until = lead.end === null && !run.running ? ' until the end of the run' : '';
  const from = `${isOpen ? 'since' : 'from'} ${time(lead.start.estimate)}${until}`;
  const cause = lead.task === null ? '' : `, ${whileRunning(lead.task, lead.otherTasks)}`;
  const effects = others.map((other) => `; ${effectOn(other, lead, { probeTypes, run })}`).join('');
  return `${place === '' ? '' : `${place}: `}${whatFailed(lead, { probeTypes, isOpen })} ${from}${cause}${effects}.`;
}

const wordsOf = (probe: string, probeTypes: readonly ProbeWords[]): ProbeWords =>
  probeTypes.find(({ name }) => name === probe) ?? {
    name: probe,
    label: probe,
    sentences: { operations: probe, wasDown: `${probe} failed for`, isDown: `${probe} has been failing` },
  };

/** Says during which task something failed: "while handler 'Stop services' on infra1, or 2 other tasks, was running". */
function whileRunning(task: NamedTask, others: number): string {
  const or = others === 0 ? '' : `, or ${counted(others, 'other task')},`;
  return `while ${nameWithHosts(task)}${or} was running`;
}

/** Returns what the sentence of an incident starts with: what failed of the first type of probe. */
export const leadOf = <Part extends { readonly probe: string }>(
  { affected }: { readonly affected: readonly Part[] },
  probeTypes: readonly Pick<ProbeDescription, 'name'>[],
): Part | undefined =>
  probeTypes.map(({ name }) => affected.find(({ probe }) => probe === name)).find((found) => found !== undefined) ??
  affected[0];

/** Lists what an incident affected: 'API, boot', or 'API (new connections only)'. */
export const affectedText = (
  { affected }: Pick<Incident, 'affected'>,
  { probeTypes }: Pick<IncidentOptions, 'probeTypes'>,
): string =>
  affected
    .map(({ probe, kind, connections, targets }) => {
      const details = [
        ...(kind === 'partial' ? ['partly'] : []),
        ...(connections.length === 1 ? [`${connections[0]} connections`] : []),
        ...(targets.length > 0 ? [targets.length > 2 ? counted(targets.length, 'server') : targets.join(', ')] : []),
      ];
      return `${wordsOf(probe, probeTypes).label}${details.length === 0 ? '' : ` (${printableLine(details.join(', '))})`}`;
    })
    .join(', ');

/** Describes a note: 'looking into it, Ana (acknowledges the incident from 20:06:19.1 UTC)'. */
export function noteText(
  { text, incident: id, acknowledges }: Pick<Note, 'text' | 'incident' | 'acknowledges'>,
  {
    incidents,
    time,
  }: { readonly incidents: readonly Pick<Incident, 'id' | 'start'>[]; readonly time: (at: Millis) => string },
): string {
  const about = incidents.find((incident) => incident.id === id);
  if (about === undefined) return printableLine(text);
  const verb = acknowledges ? 'acknowledges' : 'about';
  return `${printableLine(text)} (${verb} the incident from ${time(about.start.estimate)})`;
}

/** Says what failed and, if that is over, for how long: 'The API was down for 9.6 s (9.5 to 10.2 s)'. */
function whatFailed(
  { probe, connections, downtime, failedShare, duration: lasted }: DescribedPart,
  { probeTypes, isOpen }: Pick<IncidentOptions, 'probeTypes'> & { readonly isOpen: boolean },
): string {
  const { sentences } = wordsOf(probe, probeTypes);
  if (failedShare === null) return isOpen ? sentences.isDown : `${sentences.wasDown} ${errorBar(downtime)}`;
  const over = connections.length === 1 ? ` over ${connections[0]} connections` : '';
  const operations = `${sentences.operations}${over}`;
  if (isOpen) return `Some of the ${operations} have been failing`;
  return `${shareText(failedShare)} of the ${operations} failed for ${errorBar(lasted)}`;
}

/**
 * Says what became of something else that failed: 'server boots recovered 8 s later'. If it began to fail earlier, also
 * during which task.
 */
function effectOn(
  other: DescribedPart,
  lead: DescribedPart,
  { probeTypes, run }: Pick<IncidentOptions, 'probeTypes' | 'run'>,
): string {
  const { operations } = wordsOf(other.probe, probeTypes).sentences;
  const earlier = lead.start.estimate - other.start.estimate;
  const cause = other.task === null ? '' : `, ${whileRunning(other.task, other.otherTasks)},`;
  const began = earlier < SAME_TIME_MS ? '' : ` began to fail ${duration(earlier / 1000)} earlier${cause} and`;
  if (other.end === null) return `${operations}${began} ${run.running ? 'are' : 'were'} still failing`;
  const later = lead.end === null ? 0 : other.end.estimate - lead.end.estimate;
  if (later >= SAME_TIME_MS) return `${operations}${began} recovered ${duration(later / 1000)} later`;
  if (began !== '') return `${operations}${began} failed for ${duration(other.downtime.estimate)}`;
  return `${operations} failed too, for ${duration(other.downtime.estimate)}`;
}
