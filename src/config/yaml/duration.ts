import { z } from 'zod';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** '100ms', '15s', '2m', '1h', or a number of seconds; null for anything else. */
export function parseDuration(given: string | number): number | null {
  if (typeof given === 'number') return Number.isFinite(given) ? given * 1000 : null;
  const [, amount, unit = 's'] = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?$/.exec(given) ?? [];
  const factor = UNITS[unit];
  return amount === undefined || factor === undefined ? null : Number(amount) * factor;
}

export function showDuration(millis: number): string {
  for (const [unit, factor] of Object.entries(UNITS).toReversed()) {
    if (millis >= factor && millis % factor === 0) return `${millis / factor}${unit}`;
  }
  return `${millis}ms`;
}

const FORMS = 'a duration (500ms, 15s, 2m, 1h or a number of seconds)';

/** A duration in milliseconds, within its limits. Longer than a day is always a slip. */
export function duration({ min = 1, max = 86_400_000 }: { readonly min?: number; readonly max?: number } = {}) {
  return z.union([z.string(), z.number()], { error: FORMS }).transform((given, context) => {
    const millis = parseDuration(given);
    const right =
      millis === null
        ? FORMS
        : millis < min
          ? `at least ${showDuration(min)}`
          : millis > max
            ? `at most ${showDuration(max)}`
            : null;
    if (millis !== null && right === null) return millis;
    context.addIssue({ code: 'custom', message: right ?? FORMS });
    return z.NEVER;
  });
}
