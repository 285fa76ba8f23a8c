import { z } from 'zod';
import type { JournalDamage } from '../domain/journal.ts';

/** A row as its domain type, or the reason why it cannot be decoded. */
export type Decoded<T> = { readonly value: T } | { readonly damage: string };

/** Validates a row: the file may be damaged, or another program may have written to it. */
export function decode<T>(schema: z.ZodType<T>, row: unknown): Decoded<T> {
  const parsed = schema.safeParse(row);
  if (parsed.success) return { value: parsed.data };
  const [issue] = parsed.error.issues;
  return { damage: issue === undefined ? 'unreadable' : `${issue.path.join('.')}: ${issue.message}` };
}

/** A timestamp between 1970 and the year 9999; anything else is damage. */
export const timestamp = z.number().min(0).max(253_402_300_799_999);

export const flag = z.literal([0, 1]).transform((value) => value === 1);

/** JSON in a text column. */
export const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'not JSON' });
    return z.NEVER;
  }
});

/** Counts unreadable rows by table. A row that is read again is counted once. */
export type DamageLog = {
  /** Returns the value of a row, or of `rows` of them; records the damage and returns null if there is none. */
  valueOf<T>(
    table: string,
    row: { readonly key: string; readonly rows?: number; readonly decoded: Decoded<T> },
  ): T | null;
  add(damage: JournalDamage): void;
  all(): readonly JournalDamage[];
};

/** Unreadable rows beyond this number are counted again on each read. */
const MAX_REMEMBERED_ROWS = 100_000;

export function createDamageLog(): DamageLog {
  const tables = new Map<string, { rows: number; readonly reason: string }>();
  const counted = new Set<string>();
  const added: JournalDamage[] = [];
  return {
    valueOf(table, { key, rows = 1, decoded }) {
      if ('value' in decoded) return decoded.value;
      const row = `${table} ${key}`;
      if (counted.has(row)) return null;
      if (counted.size < MAX_REMEMBERED_ROWS) counted.add(row);
      const known = tables.get(table);
      if (known === undefined) tables.set(table, { rows, reason: `${key}: ${decoded.damage}` });
      else known.rows += rows;
      return null;
    },
    add(damage) {
      added.push(damage);
    },
    all: () => [...added, ...[...tables].map(([table, { rows, reason }]) => ({ table, rows, reason }))],
  };
}
