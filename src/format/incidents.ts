import { type ProbeDescription, probeNamed } from '../domain/probe.ts';
import type { Affected, Incident } from '../domain/run/incident.ts';
import { type Interval, type Millis, toIso } from '../domain/time.ts';
import { printableLine } from './printable.ts';
import { counted, duration, errorBar, shareText } from './quantities.ts';
import { nameWithHosts } from './task-names.ts';

type DescribedIncident = Pick<Incident, 'cloud' | 'affected'> & {
  readonly candidates: readonly Parameters<typeof nameWithHosts>[0][];
};

type IncidentOptions = {
  readonly probeTypes: readonly ProbeDescription[];
  /** The clouds and vantages of the run: named only if there are several. */
  readonly run: { readonly clouds: readonly string[]; readonly vantages: readonly string[] };
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
 * Describes an incident in a sentence: "The API was down for 9.6 s (9.5 to 10.2 s) from 20:06:19.1, while handler 'Stop
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
  const from = `${lead.end === null ? 'since' : 'from'} ${time(lead.start.estimate)}`;
  const [task, ...rest] = incident.candidates;
  const or = rest.length === 0 ? '' : `, or ${counted(rest.length, 'other task')},`;
  const cause = task === undefined ? '' : `, while ${nameWithHosts(task)}${or} was running`;
  const effects = others.map((other) => `; ${effectOn(other, lead, probeTypes)}`).join('');
  return `${place === '' ? '' : `${place}: `}${whatFailed(lead, probeTypes)} ${from}${cause}${effects}.`;
}

/** Returns what the sentence of an incident starts with: what failed of the first type of probe. */
export const leadOf = (
  { affected }: Pick<Incident, 'affected'>,
  probeTypes: readonly Pick<ProbeDescription, 'name'>[],
): Affected | undefined =>
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
      return `${probeNamed(probeTypes, probe).label}${details.length === 0 ? '' : ` (${printableLine(details.join(', '))})`}`;
    })
    .join(', ');

/** Says what failed and for how long: 'The API was down for 9.6 s (9.5 to 10.2 s)'. */
function whatFailed(
  { probe, connections, end, downtime, failedShare, duration: lasted }: Affected,
  probeTypes: IncidentOptions['probeTypes'],
): string {
  const { sentences } = probeNamed(probeTypes, probe);
  if (failedShare === null) return `${end === null ? sentences.isDown : sentences.wasDown} ${errorBar(downtime)}`;
  const over = connections.length === 1 ? ` over ${connections[0]} connections` : '';
  const verb = end === null ? 'have been failing' : 'failed';
  return `${shareText(failedShare)} of the ${sentences.operations}${over} ${verb} for ${errorBar(lasted)}`;
}

/** Says what became of something else that failed: 'server boots recovered 8 s later'. */
function effectOn(
  { probe, end, downtime }: Affected,
  lead: Affected,
  probeTypes: IncidentOptions['probeTypes'],
): string {
  const { operations } = probeNamed(probeTypes, probe).sentences;
  if (end === null) return `${operations} are still failing`;
  const later = lead.end === null ? 0 : end.estimate - lead.end.estimate;
  if (later >= SAME_TIME_MS) return `${operations} recovered ${duration(later / 1000)} later`;
  return `${operations} failed too, for ${duration(downtime.estimate)}`;
}
