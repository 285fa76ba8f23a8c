import { stalledFor } from '../domain/downtime/stalls.ts';
import type { CauseCount } from '../domain/downtime/window.ts';
import { type Sample, type Series, type SeriesKey, seriesId } from '../domain/sample.ts';
import { iso, type Millis } from '../domain/time.ts';
import type { KnownTask } from '../domain/upgrade/task-registry.ts';

/**
 * Samples in columns, so that an hour of them is small enough to be sent and drawn at once. Moments and durations are
 * whole milliseconds. What a sample was in full, /api/v1/samples tells.
 */
export type ChartFace = {
  /** What `after` counts from. */
  readonly origin: string;
  /** Kinds of causes, by their number in `causes` of a series. */
  readonly causes: readonly Pick<CauseCount, 'kind' | 'service'>[];
  readonly series: readonly ChartSeriesFace[];
};

export type ChartSeriesFace = SeriesKey & {
  readonly intervalSeconds: number;
  readonly slowSeconds: number;
  /** When the first sample was sent, from `origin`, and each of the others, from the one before it in this list. */
  readonly after: readonly number[];
  /**
   * How long it took until its outcome was certain: of a boot that went well up to ACTIVE. Without the time in which our
   * own loop stood still, so that a stall is not drawn as a slow answer.
   */
  readonly took: readonly number[];
  /** A letter for each: `o` ok, `f` failed, `v` void; a capital where it was an extra one. */
  readonly outcomes: string;
  /** Of the failed ones alone, in their order. */
  readonly causes: readonly number[];
  /** Of boots: how long each of `BOOT_STAGES` took, one after the other for each sample; null where it was not reached. */
  readonly stages: readonly (number | null)[];
};

/** In the order in which a boot passes them. */
export const BOOT_STAGES = ['accepted', 'active', 'delete_accepted', 'gone'] as const;

export type Chart = { add(sample: Sample): void; face(): ChartFace };

type Columns = {
  last: Millis;
  readonly after: number[];
  readonly took: number[];
  outcomes: string;
  readonly causes: number[];
  readonly stages: (number | null)[];
};

/** Samples of other series than these are left out. */
export function createChart(origin: Millis, series: readonly Series[]): Chart {
  const start = Math.round(origin);
  const causes = new Map<string, { readonly index: number } & Pick<CauseCount, 'kind' | 'service'>>();
  const columns = new Map<string, Columns>(
    series.map((one) => [seriesId(one), { last: start, after: [], took: [], outcomes: '', causes: [], stages: [] }]),
  );

  function causeNumber({ kind, service }: Pick<CauseCount, 'kind' | 'service'>): number {
    const key = `${kind} ${service}`;
    const known = causes.get(key);
    if (known !== undefined) return known.index;
    causes.set(key, { index: causes.size, kind, service });
    return causes.size - 1;
  }

  return {
    add(sample) {
      const own = columns.get(seriesId(sample));
      if (own === undefined) return;
      const at = Math.round(sample.startedAt);
      own.after.push(at - own.last);
      own.last = at;
      const certain = sample.outcome === 'void' ? sample.endedAt : sample.settledAt;
      own.took.push(Math.max(0, Math.round(certain - sample.startedAt - stalledFor(sample))));
      const letter = sample.outcome[0] ?? '';
      own.outcomes += sample.extra ? letter.toUpperCase() : letter;
      if (sample.outcome === 'failed') own.causes.push(causeNumber(sample.cause));
      if (sample.probe === 'server-boot') {
        for (const stage of BOOT_STAGES) {
          const seconds = sample.stages[stage];
          own.stages.push(seconds === undefined ? null : Math.round(seconds * 1000));
        }
      }
    },
    face: () => ({
      origin: iso(start),
      causes: [...causes.values()].map(({ kind, service }) => ({ kind, service })),
      series: series.map((one) => {
        const { after = [], took = [], outcomes = '', causes = [], stages = [] } = columns.get(seriesId(one)) ?? {};
        const { cloud, vantage, probe, connection, target, interval, slow } = one;
        const key = { cloud, vantage, probe, connection, target };
        return {
          ...key,
          intervalSeconds: interval / 1000,
          slowSeconds: slow / 1000,
          after,
          took,
          outcomes,
          causes,
          stages,
        };
      }),
    }),
  };
}

/** Tasks in columns, for the same reason. */
export type ChartTasksFace = {
  /** What `after` counts from. */
  readonly origin: string;
  /** Names, by their number in `name`. A role stands before it, as Ansible shows it. */
  readonly names: readonly string[];
  readonly name: readonly number[];
  /** When the first began, from `origin`, and each of the others, from the one before it. */
  readonly after: readonly number[];
  /** How long it lasted; null while it runs. */
  readonly took: readonly (number | null)[];
  /** A letter for each: `t` task, `h` handler. */
  readonly kinds: string;
  /** A letter for each: `r` running, `o` ok, `f` failed, `u` unknown. */
  readonly statuses: string;
};

/** `tasks` by their start; those whose end was never told last up to what bounds them. */
export function chartTasksFace(tasks: readonly KnownTask[]): ChartTasksFace {
  const origin = Math.round(tasks[0]?.start ?? 0);
  const names = new Map<string, number>();
  let last = origin;
  const after: number[] = [];
  const name: number[] = [];
  for (const task of tasks) {
    const start = Math.round(task.start);
    after.push(start - last);
    last = start;
    const full =
      task.role === null || task.name.startsWith(`${task.role} : `) ? task.name : `${task.role} : ${task.name}`;
    const number = names.get(full) ?? names.size;
    names.set(full, number);
    name.push(number);
  }
  return {
    origin: iso(origin),
    names: [...names.keys()],
    name,
    after,
    took: tasks.map((one) =>
      one.lastedUntil === Infinity ? null : Math.round(one.lastedUntil) - Math.round(one.start),
    ),
    kinds: tasks.map(({ kind }) => kind[0]).join(''),
    statuses: tasks.map(({ status }) => status[0]).join(''),
  };
}
