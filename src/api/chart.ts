import { z } from 'zod';
import { FAILURE_KINDS, SERVICES } from '../domain/cause.ts';
import { stalledFor } from '../domain/downtime/stalls.ts';
import type { CauseCount } from '../domain/downtime/window.ts';
import { BOOT_STAGES, type Sample, type Series, seriesId } from '../domain/sample.ts';
import { type Millis, toIso } from '../domain/time.ts';
import type { KnownTask } from '../domain/upgrade/task-registry.ts';
import { type Read, seconds, seriesKey, timestamp, toApiSeriesKey } from './shared.ts';

const chartSeriesSchema = z.strictObject({
  ...seriesKey.shape,
  intervalSeconds: seconds,
  slowSeconds: seconds,
  after: z.array(z.int()).describe('milliseconds since the previous sample was sent; for the first, since origin'),
  took: z
    .array(z.int())
    .describe('milliseconds until the outcome was certain (of a boot: ACTIVE), without the time of stalls'),
  outcomes: z.string().describe('one letter per sample: o ok, f failed, v void; upper case for extra samples'),
  causes: z.array(z.int()).describe('one per failed sample: its index in causes'),
  stages: z
    .array(z.int().nullable())
    .describe(
      'for boots, four per sample, in milliseconds: accepted, active, delete_accepted, gone; null if not reached',
    ),
});

/** Samples in columns, so that an hour of them is small enough to send and draw at once. */
export const chartSchema = z.strictObject({
  origin: timestamp.describe('the time from which `after` counts'),
  causes: z.array(z.strictObject({ kind: z.enum(FAILURE_KINDS), service: z.enum(SERVICES) })),
  series: z.array(chartSeriesSchema),
});

/** Tasks in columns, so that thousands of them are small enough to send and draw at once. */
export const chartTasksSchema = z.strictObject({
  origin: timestamp.describe('the time from which `after` counts'),
  names: z.array(z.string()).describe('with the role before the name, as Ansible shows them'),
  name: z.array(z.int()).describe('one per task: its index in names'),
  after: z.array(z.int()).describe('milliseconds since the previous task started; for the first, since origin'),
  took: z.array(z.int().nullable()).describe('milliseconds; null while the task runs'),
  kinds: z.string().describe('one letter per task: t task, h handler'),
  statuses: z.string().describe('one letter per task: r running, o ok, f failed, u unknown, d dry-run'),
});

export type ApiChart = Read<typeof chartSchema>;
export type ApiChartSeries = Read<typeof chartSeriesSchema>;
export type ApiChartTasks = Read<typeof chartTasksSchema>;

export type Chart = { add(sample: Sample): void; toApi(): ApiChart };

type Columns = {
  last: Millis;
  readonly after: number[];
  readonly took: number[];
  outcomes: string;
  readonly causes: number[];
  readonly stages: (number | null)[];
};

/** Creates a chart of `series`; `add` ignores samples of other series. */
export function createChart(origin: Millis, series: readonly Series[]): Chart {
  const start = Math.round(origin);
  const causes = new Map<string, { readonly index: number } & Pick<CauseCount, 'kind' | 'service'>>();
  const columns = new Map<string, Columns>(
    series.map((key) => [seriesId(key), { last: start, after: [], took: [], outcomes: '', causes: [], stages: [] }]),
  );

  function causeIndex({ kind, service }: Pick<CauseCount, 'kind' | 'service'>): number {
    const key = `${kind} ${service}`;
    const known = causes.get(key);
    if (known !== undefined) return known.index;
    causes.set(key, { index: causes.size, kind, service });
    return causes.size - 1;
  }

  return {
    add(sample) {
      const column = columns.get(seriesId(sample));
      if (column === undefined) return;
      const sentAt = Math.round(sample.startedAt);
      column.after.push(sentAt - column.last);
      column.last = sentAt;
      const certainAt = sample.outcome === 'void' ? sample.endedAt : sample.settledAt;
      column.took.push(Math.max(0, Math.round(certainAt - sample.startedAt - stalledFor(sample))));
      const letter = sample.outcome[0] ?? '';
      column.outcomes += sample.extra ? letter.toUpperCase() : letter;
      if (sample.outcome === 'failed') column.causes.push(causeIndex(sample.cause));
      if (sample.probe === 'server-boot') {
        for (const stage of BOOT_STAGES) {
          const seconds = sample.stages[stage];
          column.stages.push(seconds === undefined ? null : Math.round(seconds * 1000));
        }
      }
    },
    toApi: () => ({
      origin: toIso(start),
      causes: [...causes.values()].map(({ kind, service }) => ({ kind, service })),
      series: series.map(({ interval, slow, ...key }) => {
        const { after = [], took = [], outcomes = '', causes = [], stages = [] } = columns.get(seriesId(key)) ?? {};
        return {
          ...toApiSeriesKey(key),
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

/** Converts tasks, given in order of their start. A task whose end was never reported lasts until its upper bound. */
export function toApiChartTasks(tasks: readonly KnownTask[]): ApiChartTasks {
  const origin = Math.round(tasks[0]?.start ?? 0);
  const names = new Map<string, number>();
  let last = origin;
  const after: number[] = [];
  const name: number[] = [];
  for (const task of tasks) {
    const start = Math.round(task.start);
    after.push(start - last);
    last = start;
    const fullName =
      task.role === null || task.name.startsWith(`${task.role} : `) ? task.name : `${task.role} : ${task.name}`;
    const number = names.get(fullName) ?? names.size;
    names.set(fullName, number);
    name.push(number);
  }
  return {
    origin: toIso(origin),
    names: [...names.keys()],
    name,
    after,
    took: tasks.map(({ start, lastedUntil }) =>
      lastedUntil === Infinity ? null : Math.round(lastedUntil) - Math.round(start),
    ),
    kinds: tasks.map(({ kind }) => kind[0]).join(''),
    statuses: tasks.map(({ status }) => status[0]).join(''),
  };
}
