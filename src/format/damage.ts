import type { JournalDamage } from '../domain/journal.ts';
import { counted } from './quantities.ts';

/** Further tables are only counted. */
const MAX_NAMED_TABLES = 4;

/**
 * Describes the unreadable part of a journal: '12 rows of samples (session 1, series 2, seq 7: outcome: Invalid input);
 * tasks (...)'.
 */
export function damageText(damage: readonly JournalDamage[]): string {
  const parts = damage.slice(0, MAX_NAMED_TABLES).map(({ table, rows, reason }) => {
    const what = table === 'unknown' ? 'parts of the file' : table;
    return `${rows === 0 ? what : `${counted(rows, 'row')} of ${table}`} (${reason})`;
  });
  const more = damage.length - parts.length;
  return `${parts.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
