import { createHash } from 'node:crypto';
import type { Live } from '../domain/run/live.ts';
import type { Report } from '../domain/run/report.ts';
import type { Annotation } from '../domain/upgrade/annotation.ts';
import type { BlamedWindow } from '../domain/upgrade/attribution.ts';
import type { KnownTask } from '../domain/upgrade/task-registry.ts';
import type { PhaseVerdict } from '../domain/upgrade/verdict.ts';
import { escaped } from '../format/escaped.ts';
import { duration, errorBar } from '../format/quantities.ts';

/** An annotation as it should stand in Grafana. */
export type Wanted = {
  /** A tag that no other annotation has: by it one that is there already is found. */
  readonly key: string;
  readonly tags: readonly string[];
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Null while it lasts, which Grafana shows as a moment. */
  readonly timeEnd: number | null;
  readonly text: string;
};

/** Grafana takes 500 characters of tags in all, counted as JSON. */
const ALL_TAGS = 500;
const TAG = 60;
/** Of a tag `key:value` Grafana's database takes 100 characters for the value. */
const SCOPE = 100;
/** A night has ten thousand tasks; what is beyond this is not pushed. */
const MOST = 20_000;

export const runTag = (run: string): string => `run:${run.slice(0, 36)}`;

type Told = Pick<Live, 'report'> & { readonly annotations: readonly Annotation[] };

/** An annotation before it gets the tags that all have. */
type Draft = Wanted & {
  /**
   * Tags by which the variables of our dashboards find it: `downtime:prod/deploy1/server-list`, `tasks:prod/deploy1`.
   * Grafana looks for annotations with all tags or any, so each says all that is chosen by.
   */
  readonly scopes: readonly string[];
};
type Places = readonly Pick<Report['clouds'][number], 'cloud' | 'vantage'>[];

const scope = (kind: string, ...names: readonly string[]): string =>
  `${kind}:${[...names.join('/')].slice(0, SCOPE).join('')}`;

const lengthOf = (tags: readonly string[]): number => Buffer.byteLength(JSON.stringify(tags));

/** As many more tags as fit. */
function withMore(tags: readonly string[], more: readonly string[]): readonly string[] {
  const all = [...tags];
  for (const one of more) if (lengthOf([...all, one]) <= ALL_TAGS) all.push(one);
  return all;
}

/**
 * Gives windows, phases, what was told to /api/annotations, and tasks; the first ones go first. A task that is as it was
 * is the same object again: there are thousands of them.
 */
export function createWanted({ tasks }: { readonly tasks: boolean }): (told: Told) => readonly Wanted[] {
  const known = new Map<string, { readonly task: KnownTask; readonly wanted: Wanted }>();
  let seen = '';
  return ({ report, annotations }) => {
    const run = runTag(report.run.id);
    const places = report.clouds;
    const finish = ({ scopes, ...one }: Draft): Wanted => ({
      ...one,
      tags: withMore(['rollwatch', ...one.tags.map((tag) => tag.slice(0, TAG)), one.key, run], scopes),
    });
    // Tasks and phases are of all clouds of the run, and all that is known of them changes when one is added.
    const now = JSON.stringify(places.map(({ cloud, vantage }) => [cloud, vantage]));
    if (now !== seen) known.clear();
    seen = now;
    const ofTask = (task: KnownTask): Wanted => {
      const before = known.get(task.id);
      if (before !== undefined && sameTask(before.task, task)) return before.wanted;
      const wanted = finish(taskMark(task, places));
      known.set(task.id, { task, wanted });
      return wanted;
    };
    return [
      ...report.windows.map(windowMark).map(finish),
      ...report.verdict.phases.flatMap((phase) => phaseMarks(phase, places)).map(finish),
      ...annotations
        .filter((one) => !one.deleted && !one.tags.includes(run))
        .map(passedOn)
        .map(finish),
      // what community.grafana tells is passed on as it came
      ...(tasks ? report.tasks.filter(({ sources }) => sources.some((one) => one !== 'grafana')).map(ofTask) : []),
    ].slice(0, MOST);
  };
}

const sameTask = (a: KnownTask, b: KnownTask): boolean =>
  a.start === b.start &&
  a.end === b.end &&
  a.status === b.status &&
  a.name === b.name &&
  a.role === b.role &&
  a.hosts.length === b.hosts.length;

const unique = (kind: string, id: string): string => {
  const plain = `${kind}:${id}`;
  return plain.length <= 100 && !plain.includes(',')
    ? plain
    : `${kind}:${createHash('sha256').update(id).digest('hex').slice(0, 32)}`;
};

function windowMark(window: BlamedWindow): Draft {
  const { id, kind, cloud, vantage, probe, connection, target, start, end, causes, candidates, provisional } = window;
  const tag = kind === 'down' ? 'downtime' : 'degraded';
  const over = end !== null && !provisional;
  const lines = [
    `${kind === 'down' ? 'DOWN' : 'slow'} ${probe} ${connection || target}`.trim() +
      (over ? ` for ${errorBar(window.duration)}` : ''),
    ...causes.map((one) => `${one.kind} by ${one.service}${over ? ` (${one.count})` : ''}`),
    ...(candidates[0] === undefined ? [] : [`began in ${candidates[0].kind} '${candidates[0].name}'`]),
  ];
  return {
    key: unique('window', id),
    tags: [tag, cloud, probe],
    scopes: [scope(tag, cloud, vantage, probe)],
    time: Math.round(start.estimate),
    timeEnd: over ? Math.round(end.estimate) : null,
    text: textOf(lines),
  };
}

const phaseMarks = ({ name, promise, stretches, running, result }: PhaseVerdict, places: Places): readonly Draft[] =>
  stretches.map(({ from, until }, index) => {
    const goesOn = running && index === stretches.length - 1;
    return {
      key: unique('phase', `${name}:${Math.round(from)}`),
      tags: ['phase', name],
      scopes: places.map(({ cloud, vantage }) => scope('phases', cloud, vantage)),
      time: Math.round(from),
      timeEnd: goesOn ? null : Math.round(until),
      text: textOf([`phase ${name}`, promise, ...(goesOn || result === null ? [] : [result.replace('-', ' ')])]),
    };
  });

function taskMark(task: KnownTask, places: Places): Draft {
  const over = task.end !== null;
  const took = over ? `, ${task.status} after ${duration(((task.end ?? task.start) - task.start) / 1000)}` : '';
  return {
    key: unique('task', task.id),
    tags: ['task', task.kind],
    scopes: places.map(({ cloud, vantage }) => scope('tasks', cloud, vantage)),
    time: Math.round(task.start),
    timeEnd: task.end === null ? null : Math.round(Math.max(task.start, task.end)),
    text: textOf([
      `${task.kind} '${task.name}'${took}`,
      ...(task.role === null ? [] : [`role ${task.role}`]),
      ...(task.hosts.length === 0 ? [] : [task.hosts.slice(0, 20).join(', ')]),
    ]),
  };
}

/** As it was told to us: its sender has made its text for Grafana. */
const passedOn = ({ id, tags, time, timeEnd, text }: Annotation): Draft => ({
  key: unique('annotation', String(id)),
  tags: tags.slice(0, 5),
  scopes: [],
  time,
  timeEnd,
  text,
});

/** Grafana shows markup. */
const textOf = (lines: readonly string[]): string => lines.map(escaped).join('\n');
