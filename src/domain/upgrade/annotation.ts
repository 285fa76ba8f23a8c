import type { Millis } from '../time.ts';
import type { Task } from './task.ts';

/** An annotation as in Grafana's annotations API: a point in time or a region. */
export type Annotation = {
  readonly id: number;
  readonly time: Millis;
  /** Equal to `time` for a point in time. */
  readonly timeEnd: Millis;
  readonly text: string;
  readonly tags: readonly string[];
  /** Opaque data of the client, as JSON, or null. */
  readonly data: string | null;
  readonly dashboardUid: string;
  readonly panelId: number;
  readonly created: Millis;
  readonly updated: Millis;
  readonly deleted: boolean;
};

/** The tag of what somebody notes during the run (see run/note.ts). */
export const NOTE_TAG = 'note';

export const isNote = ({ tags }: Pick<Annotation, 'tags'>): boolean => tags.includes(NOTE_TAG);

/** Returns the task that an annotation reports, or null if it reports none. */
export function taskOfAnnotation({ id, time, timeEnd, text, tags, deleted }: Annotation): Task | null {
  // Annotations that Rollwatch pushed to Grafana may come back.
  if (deleted || isNote({ tags }) || tags.includes('rollwatch')) return null;
  const [ansible, event, playbook = '', host = ''] = tags;
  const common = { role: null, play: null, groups: [], kind: 'task', source: 'grafana' } as const;
  if (ansible === 'ansible' && (event === 'ansible_event_start' || event === 'ansible_report')) {
    // community.grafana never updates its start annotation: it adds a second one for the whole playbook, with the same
    // start.
    const status = event === 'ansible_event_start' ? 'running' : /^Status: OK/m.test(text) ? 'ok' : 'failed';
    return {
      ...common,
      id: `grafana-${playbook}-${host}-${time}`,
      name: `playbook ${playbook}`,
      playbook,
      hosts: host === '' ? [] : [host],
      tags: [],
      status,
      start: time,
      end: status === 'running' ? null : timeEnd,
    };
  }
  if (ansible === 'ansible') return null;
  const name = text.split('\n', 1)[0]?.trim() ?? '';
  return {
    ...common,
    id: `annotation-${id}`,
    name: name === '' ? tags.join(', ') : name,
    playbook: null,
    hosts: [],
    tags,
    status: 'unknown',
    start: time,
    end: timeEnd,
  };
}

export type AnnotationFilter = {
  readonly from?: Millis | undefined;
  readonly to?: Millis | undefined;
  readonly tags: readonly string[];
  readonly matchAny: boolean;
  readonly limit: number;
  readonly dashboardUid?: string | undefined;
  readonly panelId?: number | undefined;
};

/** Selects and sorts annotations as Grafana does: those that overlap the range, latest end first. */
export function selectAnnotations(all: readonly Annotation[], filter: AnnotationFilter): readonly Annotation[] {
  const { from = 0, to = Infinity, tags, matchAny, limit, dashboardUid, panelId } = filter;
  const hasTags = (annotation: Annotation) =>
    tags.length === 0 ||
    (matchAny ? tags.some((tag) => annotation.tags.includes(tag)) : tags.every((tag) => annotation.tags.includes(tag)));
  return all
    .filter((annotation) => !annotation.deleted && annotation.time <= to && annotation.timeEnd >= from)
    .filter(hasTags)
    .filter((annotation) => dashboardUid === undefined || annotation.dashboardUid === dashboardUid)
    .filter((annotation) => panelId === undefined || annotation.panelId === panelId)
    .toSorted((a, b) => b.timeEnd - a.timeEnd || b.time - a.time || b.id - a.id)
    .slice(0, limit);
}
