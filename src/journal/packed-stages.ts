import { z } from 'zod';
import { decode, json } from './decode.ts';
import {
  type ByteSink,
  type ByteSource,
  type Numbers,
  packNumbers,
  packTexts,
  type Rows,
  type Texts,
  unpackNumbers,
  unpackTexts,
} from './packed-columns.ts';

/** The stages of each sample in order, in seconds; empty if the text of any sample cannot be parsed. */
type Durations = readonly (readonly number[])[];

const TEXTS = 0;
const COLUMNS = 1;

/**
 * Packs a column of stages: which stages there are as a text, and each stage as a column of its own. Returns the
 * durations.
 */
export function packStages(sink: ByteSink, column: readonly string[]): Durations {
  const stages = column.map(parseStages).filter((found) => found !== null);
  if (stages.length < column.length) {
    sink.byte(TEXTS);
    packTexts(sink, column);
    return [];
  }
  sink.byte(COLUMNS);
  packTexts(
    sink,
    stages.map((found) => JSON.stringify([...found.keys()])),
  );
  for (const name of new Set(stages.flatMap((found) => [...found.keys()]))) {
    packNumbers(
      sink,
      stages.map((found) => found.get(name) ?? null),
      null,
    );
  }
  return stages.map((found) => [...found.values()]);
}

const stagesSchema = z.record(z.string(), z.number());

/** Returns the stages of a sample; null if they cannot be written again as the same text. */
function parseStages(text: string): ReadonlyMap<string, number> | null {
  const parsed = decode(json.pipe(stagesSchema), text);
  if ('damage' in parsed) return null;
  const stages = new Map(Object.entries(parsed.value));
  return stagesText(stages) === text ? stages : null;
}

const stagesText = (stages: Iterable<readonly [string, number]>): string => JSON.stringify(Object.fromEntries(stages));

const namesSchema = json.pipe(z.array(z.string()));

/** Unpacks a text per row, and the durations in them. */
export function unpackStages(source: ByteSource, all: Rows): { readonly texts: Texts; readonly durations: Durations } {
  if (source.byte() === TEXTS) return { texts: unpackTexts(source, all), durations: [] };
  const shapes = unpackTexts(source, all);
  const names = new Map([...new Set(shapes)].map((shape) => [shape, namesSchema.parse(shape)]));
  const columns = new Map<string, Numbers>();
  for (const name of new Set([...names.values()].flat())) columns.set(name, unpackNumbers(source, all, null));
  const stages = shapes.map((shape, index) =>
    (names.get(shape) ?? []).map((name) => [name, columns.get(name)?.[index] ?? 0] as const),
  );
  return { texts: stages.map(stagesText), durations: stages.map((found) => found.map(([, seconds]) => seconds)) };
}

/** More stages than any probe has. */
const MAX_STAGES = 8;

/**
 * Returns the times at which each stage ended if the first began at `starts`, after those times themselves. A sample
 * settles or ends a few microseconds after one of them.
 */
export function stageEnds(starts: Numbers, durations: Durations): readonly Numbers[] {
  const most = Math.min(
    MAX_STAGES,
    durations.reduce((longest, { length }) => Math.max(longest, length), 0),
  );
  const ends: Numbers[] = [starts];
  for (let stage = 0; stage < most; stage++)
    ends.push((ends[stage] ?? []).map((at, row) => (at ?? 0) + (durations[row]?.[stage] ?? 0) * 1000));
  return ends;
}
