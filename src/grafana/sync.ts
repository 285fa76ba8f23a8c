import type { OnConnectionChange } from '../domain/run/connection-status.ts';
import type { HttpAccess } from '../http/json-client.ts';
import { type PushTiming, startPushLoop } from '../http/push-loop.ts';
import type { DesiredAnnotation } from './desired-annotations.ts';
import { AnnotationRejected, createGrafanaApi, type GrafanaAnnotation, type GrafanaApi } from './grafana-api.ts';

export type GrafanaSyncOptions = {
  readonly access: HttpAccess;
  /** Returns all annotations that should exist in Grafana now. Called once per round. */
  readonly desired: () => readonly DesiredAnnotation[];
  /** The tag of all annotations of this run. */
  readonly runTag: string;
  readonly onConnectionChange: OnConnectionChange;
  /** Called if Grafana rejects an annotation. */
  readonly onRejected: (key: string, reason: string) => void;
};

const DEFAULT_TIMING: PushTiming = { interval: 500, minRetry: 500, maxRetry: 15_000 };

/** An annotation that exists in Grafana. */
type ExistingAnnotation = { readonly id: number; readonly content: string };

/**
 * Keeps the annotations in Grafana equal to the desired ones. Each round compares the two sets instead of emptying a
 * queue, so a Grafana that was unavailable gets the current state once. After a start, and after a create request whose
 * response was lost, the existing annotations are listed by their tags first, so none is created twice.
 */
export function startGrafanaSync(
  options: GrafanaSyncOptions,
  timing: PushTiming = DEFAULT_TIMING,
): { stop(): Promise<void> } {
  const { access, onConnectionChange } = options;
  return startPushLoop({
    timing,
    onConnectionChange,
    create(ended) {
      const api = createGrafanaApi(access, ended);
      return { push: createSync(api, options, ended), close: api.close };
    },
  });
}

/** Returns a function that makes Grafana equal to the desired state. */
function createSync(
  api: GrafanaApi,
  { desired, runTag, onRejected }: Pick<GrafanaSyncOptions, 'desired' | 'runTag' | 'onRejected'>,
  ended: AbortSignal,
): () => Promise<void> {
  const existing = new Map<string, ExistingAnnotation>();
  /** The content of rejected annotations, by key. Such an annotation is sent again only if it changes. */
  const rejected = new Map<string, string>();
  let mustList = true;

  /** Loads the annotations that exist in Grafana, and removes duplicates. */
  async function listExisting(): Promise<void> {
    existing.clear();
    for (const annotation of await api.find(['rollwatch', runTag])) {
      const key = keyOf(annotation);
      if (key === null) continue;
      if (existing.has(key)) await api.remove(annotation.id);
      else existing.set(key, { id: annotation.id, content: contentOf(annotation) });
    }
    mustList = false;
  }

  async function write(annotation: DesiredAnnotation): Promise<void> {
    const { key } = annotation;
    const content = contentOf(annotation);
    const before = existing.get(key);
    if (before !== undefined && (await api.update(before.id, annotation))) {
      existing.set(key, { id: before.id, content });
      return;
    }
    try {
      existing.set(key, { id: await api.create(annotation), content });
    } catch (error) {
      // The response may have been lost after Grafana created the annotation.
      mustList = !(error instanceof AnnotationRejected);
      throw error;
    }
  }

  return async () => {
    if (mustList) await listExisting();
    const annotations = desired();
    for (const annotation of annotations) {
      if (ended.aborted) return;
      const { key } = annotation;
      const content = contentOf(annotation);
      if (existing.get(key)?.content === content || rejected.get(key) === content) continue;
      try {
        await write(annotation);
      } catch (error) {
        if (!(error instanceof AnnotationRejected)) throw error;
        rejected.set(key, content);
        onRejected(key, error.message);
      }
    }
    const keys = new Set(annotations.map(({ key }) => key));
    for (const [key, { id }] of [...existing]) {
      if (keys.has(key)) continue;
      await api.remove(id);
      existing.delete(key);
    }
  };
}

const KEY_TAG = /^(incident|window|phase|annotation|task):/;

const keyOf = ({ tags }: GrafanaAnnotation): string | null => tags.find((tag) => KEY_TAG.test(tag)) ?? null;

type Content = Pick<DesiredAnnotation, 'time' | 'timeEnd' | 'text' | 'tags'>;
const contentCache = new WeakMap<Content, string>();

/** Returns the visible content of an annotation in a comparable form. */
function contentOf(annotation: Content): string {
  const cached = contentCache.get(annotation);
  if (cached !== undefined) return cached;
  const { time, timeEnd, text, tags } = annotation;
  const content = JSON.stringify([time, timeEnd ?? time, text, tags.toSorted()]);
  contentCache.set(annotation, content);
  return content;
}
