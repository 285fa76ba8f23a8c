import { z } from 'zod';
import { FAILURE_KINDS, SERVICES } from '../domain/cause.ts';
import { failedSlots, WINDOW_KINDS } from '../domain/downtime/window.ts';
import type { AttributedWindow } from '../domain/upgrade/attribution.ts';
import {
  bracket,
  errorBar,
  interval,
  type Read,
  seriesKey,
  share,
  toApiBracket,
  toApiErrorBar,
  toApiInterval,
  toApiSeriesKey,
} from './shared.ts';
import { taskSchema, toApiTask } from './task.ts';

export const windowSchema = z.strictObject({
  id: z.string().describe('the same whenever the same journal is read'),
  ...seriesKey.shape,
  kind: z
    .enum(WINDOW_KINDS)
    .describe('down: every request failed; partial: some failed and others did not; degraded: they were slow'),
  countsFor: z.string().describe('the probe whose downtime it is part of'),
  start: bracket,
  end: bracket.nullable().describe('null while it is open'),
  startBy: z.string().describe('the probe whose samples set the start: a sharper one may have seen the same outage'),
  endBy: z.string().describe('the probe whose samples set the end'),
  durationSeconds: errorBar.describe('for an open window, its duration so far'),
  downtimeSeconds: errorBar.describe(
    'how much of it counts as downtime: all of a down window, the failed share of a partial one, nothing of a degraded one',
  ),
  failedShare: share
    .nullable()
    .describe('the share of requests that failed, with its 95 % interval; null unless partial'),
  slots: z.int().describe('regular samples from the first failure to the last one, ok or not'),
  failedSlots: z.int().describe('regular samples that failed'),
  longestRun: z.int().describe('the most regular samples in a row that failed'),
  failedSamples: z.int().describe('samples that failed, or were slow in a degraded window, extra samples included'),
  causes: z.array(z.strictObject({ kind: z.enum(FAILURE_KINDS), service: z.enum(SERVICES), count: z.int() })),
  task: taskSchema.nullable().describe('the upgrade task that it is attributed to: the first candidate'),
  candidates: z.array(taskSchema).describe('all tasks that were running when it may have started'),
  phase: z.string().nullable().describe('the phase of the upgrade in which it started'),
  provisional: z.boolean().describe('whether an edge may still move, because a sample sent before it has not ended'),
  gaps: z.array(interval).describe('unobserved time within the window'),
});

export const windowsSchema = z.strictObject({ windows: z.array(windowSchema) });

export type ApiWindow = Read<typeof windowSchema>;

export const toApiWindow = (window: AttributedWindow): ApiWindow => ({
  id: window.id,
  ...toApiSeriesKey(window),
  kind: window.kind,
  countsFor: window.countsFor,
  start: toApiBracket(window.start),
  end: window.end === null ? null : toApiBracket(window.end),
  startBy: window.startBy,
  endBy: window.endBy,
  durationSeconds: toApiErrorBar(window.duration),
  downtimeSeconds: toApiErrorBar(window.downtime),
  failedShare: window.failedShare && {
    min: window.failedShare.min,
    estimate: window.failedShare.estimate,
    max: window.failedShare.max,
  },
  slots: window.failedShare?.slots ?? failedSlots(window),
  failedSlots: failedSlots(window),
  longestRun: window.failedRuns.reduce((longest, { slots }) => Math.max(longest, slots), 0),
  failedSamples: window.failedSamples,
  causes: window.causes.map(({ kind, service, count }) => ({ kind, service, count })),
  task: window.candidates[0] === undefined ? null : toApiTask(window.candidates[0]),
  candidates: window.candidates.map(toApiTask),
  phase: window.phase,
  provisional: window.provisional,
  gaps: window.gaps.map(toApiInterval),
});
