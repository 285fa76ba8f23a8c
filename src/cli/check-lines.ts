import type { Check, CheckRun, Compared } from '../domain/check.ts';
import { checkLines } from '../report/checks-section.ts';
import { createPaint } from '../report/paint.ts';
import type { Output } from './output.ts';

/** For a person, as they are found. */
export function lineOf(checks: readonly Check[], before: CheckRun | null, output: Output): string {
  const was = new Map((before?.checks ?? []).map(({ name, status }) => [name, status]));
  const compared = checks.map((one) => ({ ...one, before: was.get(one.name) ?? null }));
  return linesOf(compared, output, { all: true });
}

export const linesOf = (
  checks: readonly Compared[],
  { colour, width }: Output,
  wanted: { readonly all: boolean },
): string =>
  checkLines({ checks }, { width, paint: createPaint(colour) }, wanted)
    .map((line) => line.slice(4))
    .join('\n');
