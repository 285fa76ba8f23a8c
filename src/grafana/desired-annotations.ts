import { createHash } from 'node:crypto';
import { isOutage } from '../domain/downtime/window.ts';
import type { Incident } from '../domain/run/incident.ts';
import type { Report } from '../domain/run/report.ts';
import type { Annotation } from '../domain/upgrade/annotation.ts';
import type { AttributedWindow } from '../domain/upgrade/attribution.ts';
import type { KnownTask } from '../domain/upgrade/task-registry.ts';
import type { PhaseVerdict } from '../domain/upgrade/verdict.ts';
import { causeCounts, causeLabel } from '../format/causes.ts';
import { incidentSentence, utcTime } from '../format/incidents.ts';
import { escaped } from '../format/printable.ts';
import { duration, errorBar } from '../format/quantities.ts';
import { WINDOW_WORDS } from '../format/run-labels.ts';

/** An annotation as it should be in Grafana. */
export type DesiredAnnotation = {
  /** A tag that no other annotation has; identifies an annotation that already exists. */
  readonly key: string;
  readonly tags: readonly string[];
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Milliseconds since 1970; null while it is ongoing. */
  readonly timeEnd: number | null;
  readonly text: string;
};

/** Grafana's limit for all tags of an annotation, in bytes of JSON. */
const MAX_TAGS_BYTES = 500;
const MAX_TAG_LENGTH = 60;
/** Grafana's database stores a tag `key:value` in two columns of 100 characters each. */
const MAX_TAG_VALUE_LENGTH = 100;
/** An upgrade that takes a night has about ten thousand tasks. */
const MAX_ANNOTATIONS = 20_000;
const MAX_HOSTS = 20;
/** The longest run id in a tag: the length of a UUID. */
const MAX_RUN_LENGTH = 36;

/** Returns the tag of all annotations of a run. */
export const runTag = (run: string): string => `run:${run.slice(0, MAX_RUN_LENGTH)}`;

type Source = {
  readonly report: Pick<Report, 'run' | 'probeTypes' | 'incidents' | 'windows' | 'clouds' | 'verdict' | 'tasks'>;
  readonly annotations: readonly Annotation[];
};

/** An annotation without the tags that all annotations have. */
type Draft = DesiredAnnotation & {
  /**
   * Tags that the dashboard variables select by: `downtime:prod/deploy1/server-list`, `tasks:prod/deploy1`. One tag
   * combines all variables, because Grafana selects annotations that have either all or any of the given tags.
   */
  readonly scopes: readonly string[];
};
type Places = readonly Pick<Report['clouds'][number], 'cloud' | 'vantage'>[];

const scopeTag = (kind: string, ...names: readonly string[]): string =>
  `${kind}:${[...names.join('/')].slice(0, MAX_TAG_VALUE_LENGTH).join('')}`;

/** Adds the scopes that fit into Grafana's limit. */
function withScopes(tags: readonly string[], scopes: readonly string[]): readonly string[] {
  const fitting = [...tags];
  for (const scope of scopes) {
    if (Buffer.byteLength(JSON.stringify([...fitting, scope])) <= MAX_TAGS_BYTES) fitting.push(scope);
  }
  return fitting;
}

/**
 * Returns a function that lists the annotations for the state of a run: incidents, windows, phases, annotations received at
 * /api/annotations, and tasks, in the order in which to push them. A task that has not changed yields the same object
 * again, as there may be thousands of tasks.
 */
export function createDesiredAnnotations({
  tasks,
}: {
  readonly tasks: boolean;
}): (source: Source) => readonly DesiredAnnotation[] {
  const taskCache = new Map<string, { readonly task: KnownTask; readonly annotation: DesiredAnnotation }>();
  let cachedPlaces = '';
  return ({ report, annotations }) => {
    const run = runTag(report.run.id);
    const places = report.clouds;
    const complete = ({ scopes, ...draft }: Draft): DesiredAnnotation => ({
      ...draft,
      tags: withScopes(['rollwatch', ...draft.tags.map((tag) => tag.slice(0, MAX_TAG_LENGTH)), draft.key, run], scopes),
    });
    // A task has a scope for each cloud of the run, so a new cloud changes all tasks.
    const currentPlaces = JSON.stringify(places.map(({ cloud, vantage }) => [cloud, vantage]));
    if (currentPlaces !== cachedPlaces) taskCache.clear();
    cachedPlaces = currentPlaces;
    const completeTask = (task: KnownTask): DesiredAnnotation => {
      const cached = taskCache.get(task.id);
      if (cached !== undefined && sameTask(cached.task, task)) return cached.annotation;
      const annotation = complete(taskAnnotation(task, places));
      taskCache.set(task.id, { task, annotation });
      return annotation;
    };
    return [
      ...report.incidents.map((incident) => incidentAnnotation(incident, report)).map(complete),
      ...report.windows.map(windowAnnotation).map(complete),
      ...report.verdict.phases.flatMap((phase) => phaseAnnotations(phase, places)).map(complete),
      // An annotation with the tag of this run is one that this daemon pushed, and that Grafana has sent back.
      ...annotations
        .filter(({ deleted, tags }) => !deleted && !tags.includes(run))
        .map(forwarded)
        .map(complete),
      // Tasks known only from community.grafana are forwarded as the annotations that they came from.
      ...(tasks
        ? report.tasks.filter(({ sources }) => sources.some((source) => source !== 'grafana')).map(completeTask)
        : []),
    ].slice(0, MAX_ANNOTATIONS);
  };
}

const sameTask = (a: KnownTask, b: KnownTask): boolean =>
  a.start === b.start &&
  a.end === b.end &&
  a.status === b.status &&
  a.name === b.name &&
  a.role === b.role &&
  a.hosts.length === b.hosts.length;

/** Returns a key for an id; hashes ids that Grafana could not store as a tag. */
const keyOf = (kind: string, id: string): string => {
  const plain = `${kind}:${id}`;
  return plain.length <= 100 && !plain.includes(',')
    ? plain
    : `${kind}:${createHash('sha256').update(id).digest('hex').slice(0, 32)}`;
};

function incidentAnnotation(incident: Incident, { run, probeTypes }: Source['report']): Draft {
  const { id, cloud, start, end, provisional, affected } = incident;
  const time = utcTime({ from: run.startedAt, until: run.endedAt });
  return {
    key: keyOf('incident', id),
    tags: ['incident', cloud],
    scopes: [...new Set(affected.map(({ vantage }) => scopeTag('incidents', cloud, vantage)))],
    time: Math.round(start.estimate),
    timeEnd: end === null || provisional ? null : Math.round(end.estimate),
    text: textOf([incidentSentence(incident, { run, probeTypes, time })]),
  };
}

function windowAnnotation(window: AttributedWindow): Draft {
  const { id, kind, cloud, vantage, probe, connection, target, start, end, causes, candidates, provisional } = window;
  const tag = isOutage(window) ? 'downtime' : 'degraded';
  const closed = end !== null && !provisional;
  const [candidate] = candidates;
  const lines = [
    `${WINDOW_WORDS[kind]} ${probe} ${connection || target}`.trim() +
      (closed ? ` for ${errorBar(window.duration)}` : ''),
    ...causes.map((cause) => (closed ? causeCounts([cause]) : causeLabel(cause))),
    ...(candidate === undefined ? [] : [`attributed to ${candidate.kind} '${candidate.name}'`]),
  ];
  return {
    key: keyOf('window', id),
    tags: [tag, cloud, probe],
    scopes: [scopeTag(tag, cloud, vantage, probe)],
    time: Math.round(start.estimate),
    timeEnd: closed ? Math.round(end.estimate) : null,
    text: textOf(lines),
  };
}

const phaseAnnotations = (
  { name, promise, intervals, running, result }: PhaseVerdict,
  places: Places,
): readonly Draft[] =>
  intervals.map(({ from, until }, index) => {
    const active = running && index === intervals.length - 1;
    return {
      key: keyOf('phase', `${name}:${Math.round(from)}`),
      tags: ['phase', name],
      scopes: places.map(({ cloud, vantage }) => scopeTag('phases', cloud, vantage)),
      time: Math.round(from),
      timeEnd: active ? null : Math.round(until),
      text: textOf([`phase ${name}`, promise, ...(active || result === null ? [] : [result.replace('-', ' ')])]),
    };
  });

function taskAnnotation({ id, kind, name, role, hosts, status, start, end }: KnownTask, places: Places): Draft {
  const outcome = end === null ? '' : `, ${status} after ${duration((end - start) / 1000)}`;
  return {
    key: keyOf('task', id),
    tags: ['task', kind],
    scopes: places.map(({ cloud, vantage }) => scopeTag('tasks', cloud, vantage)),
    time: Math.round(start),
    timeEnd: end === null ? null : Math.round(Math.max(start, end)),
    text: textOf([
      `${kind} '${name}'${outcome}`,
      ...(role === null ? [] : [`role ${role}`]),
      ...(hosts.length === 0 ? [] : [hosts.slice(0, MAX_HOSTS).join(', ')]),
    ]),
  };
}

/** Keeps the text as received: the sender wrote it for Grafana, markup included. */
const forwarded = ({ id, tags, time, timeEnd, text }: Annotation): Draft => ({
  key: keyOf('annotation', String(id)),
  tags: tags.slice(0, 5),
  scopes: [],
  time,
  timeEnd,
  text,
});

/** Escapes markup, which Grafana renders. */
const textOf = (lines: readonly string[]): string => lines.map(escaped).join('\n');
