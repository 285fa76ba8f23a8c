import { setTimeout as delay } from 'node:timers/promises';
import { createPresence, type Presence } from '../domain/run/connection-status.ts';
import type { HttpAccess } from '../http/http-client.ts';
import type { Wanted } from './desired-annotations.ts';
import { createGrafanaApi, type Found, GrafanaRefusal } from './grafana-api.ts';

export type PushOptions = {
  readonly access: HttpAccess;
  /** All that should stand in Grafana now; asked again and again, and held against what stands there. */
  readonly wanted: () => readonly Wanted[];
  /** The tag that all of this run bear. */
  readonly run: string;
  readonly onPresence: Presence;
  /** An annotation that Grafana will not take. */
  readonly onRefused: (key: string, reason: string) => void;
};

/** In milliseconds. */
export type PushRhythm = { readonly look: number; readonly least: number; readonly most: number };
const RHYTHM: PushRhythm = { look: 500, least: 500, most: 15_000 };

/** For what is still to be told when the daemon ends, in milliseconds. */
const LINGER = 5000;

/** What is known to stand there. */
type Standing = { readonly id: number; readonly shown: string };

/**
 * Keeps annotations in Grafana at what they should be. There is no queue: what is wanted is held against what stands, so
 * that a Grafana that was away for long is told of everything once, as it is then. After a restart, and after any
 * answer that was lost, what stands is found by its tags before anything is made: nothing is made twice.
 */
export function startPush(options: PushOptions, rhythm: PushRhythm = RHYTHM): { stop(): Promise<void> } {
  const { access, wanted, run, onPresence, onRefused } = options;
  const ended = new AbortController();
  const stopping = new AbortController();
  const api = createGrafanaApi(access, ended.signal);
  const presence = createPresence(onPresence);
  const standing = new Map<string, Standing>();
  const refused = new Map<string, string>();
  /** Not known yet what stands there. */
  let blind = true;

  async function lookThere(): Promise<void> {
    standing.clear();
    for (const one of await api.find(['rollwatch', run])) {
      const key = keyOf(one);
      if (key === null) continue;
      if (standing.has(key)) await api.remove(one.id);
      else standing.set(key, { id: one.id, shown: shownOf(one) });
    }
    blind = false;
  }

  /** True when everything stands as it should. */
  async function round(): Promise<void> {
    if (blind) await lookThere();
    const now = wanted();
    for (const one of now) {
      if (ended.signal.aborted) return;
      const shown = shownOf(one);
      const there = standing.get(one.key);
      if (there?.shown === shown || refused.get(one.key) === shown) continue;
      try {
        await put(one, there);
      } catch (error) {
        if (!(error instanceof GrafanaRefusal)) throw error;
        refused.set(one.key, shown);
        onRefused(one.key, error.message);
      }
    }
    const keys = new Set(now.map(({ key }) => key));
    for (const [key, { id }] of [...standing]) {
      if (keys.has(key)) continue;
      await api.remove(id);
      standing.delete(key);
    }
  }

  async function put(one: Wanted, there: Standing | undefined): Promise<void> {
    const shown = shownOf(one);
    if (there !== undefined && (await api.change(there.id, one))) {
      standing.set(one.key, { id: there.id, shown });
      return;
    }
    try {
      standing.set(one.key, { id: await api.create(one), shown });
    } catch (error) {
      // An answer may be lost on its way: then it isn't known whether it stands there.
      blind = !(error instanceof GrafanaRefusal);
      throw error;
    }
  }

  async function goOn(): Promise<void> {
    let wait = rhythm.least;
    while (!ended.signal.aborted) {
      try {
        await round();
        presence.good();
        wait = rhythm.least;
        if (stopping.signal.aborted) return;
        await pause(rhythm.look);
      } catch (error) {
        if (ended.signal.aborted) return;
        // A bug of ours is told as well, and tried again: whatever it is, sampling goes on.
        presence.bad(error instanceof Error ? error.message : String(error));
        await pause(wait);
        wait = Math.min(wait * 2, rhythm.most);
      }
    }
  }

  const pause = (millis: number): Promise<void> =>
    delay(millis, undefined, { signal: stopping.signal.aborted ? ended.signal : stopping.signal }).catch(() => {});

  const running = goOn();
  return {
    async stop() {
      stopping.abort();
      const late = setTimeout(() => ended.abort(), LINGER);
      await running;
      clearTimeout(late);
      ended.abort();
      api.close();
    },
  };
}

const KEY = /^(window|phase|annotation|task):/;

const keyOf = ({ tags }: Found): string | null => tags.find((tag) => KEY.test(tag)) ?? null;

type Shown = Pick<Wanted, 'time' | 'timeEnd' | 'text' | 'tags'>;
const cache = new WeakMap<Shown, string>();

/** Whatever of an annotation can be seen. */
function shownOf(one: Shown): string {
  const known = cache.get(one);
  if (known !== undefined) return known;
  const { time, timeEnd, text, tags } = one;
  const shown = JSON.stringify([time, timeEnd ?? time, text, tags.toSorted()]);
  cache.set(one, shown);
  return shown;
}
