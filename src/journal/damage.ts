import type { Damage } from '../domain/ports.ts';
import type { Decoded } from './rows.ts';

/** Counts the rows that could not be read, each of them once, however often it is met. */
export type DamageBook = {
  /** The value of a row; null where there is none, which is noted. */
  read<T>(table: string, row: { readonly key: string; readonly decoded: Decoded<T> }): T | null;
  note(damage: Damage): void;
  found(): readonly Damage[];
};

/** Rows that are remembered by name; in a journal with more damage than this, each reading counts them anew. */
const NAMES_MOST = 100_000;

export function createDamageBook(): DamageBook {
  const tables = new Map<string, { rows: number; readonly reason: string }>();
  const names = new Set<string>();
  const noted: Damage[] = [];
  return {
    read(table, { key, decoded }) {
      if ('value' in decoded) return decoded.value;
      const name = `${table} ${key}`;
      if (names.has(name)) return null;
      if (names.size < NAMES_MOST) names.add(name);
      const known = tables.get(table);
      if (known === undefined) tables.set(table, { rows: 1, reason: `${key}: ${decoded.damage}` });
      else known.rows++;
      return null;
    },
    note(damage) {
      noted.push(damage);
    },
    found: () => [...noted, ...[...tables].map(([table, { rows, reason }]) => ({ table, rows, reason }))],
  };
}
