import type { JournalEntry, Session } from '../../src/domain/journal.ts';
import type { Sample, Series } from '../../src/domain/sample.ts';
import type { Task } from '../../src/domain/upgrade/task.ts';
import { openJournal } from '../../src/journal/open-journal.ts';
import { failedSample, okSample, SERIES } from '../support/samples.ts';
import { task } from '../support/tasks.ts';

export const HOUR = 3_600_000;

export const SERIES_OF_HOUR: readonly Series[] = [
  { ...SERIES, connection: 'new' },
  { ...SERIES, connection: 'reused' },
  { ...SERIES, probe: 'server-boot', connection: '' },
  { ...SERIES, probe: 'token', connection: '' },
];

/**
 * Returns the sample of a series in one second of the hour: five seconds down every five minutes, with random latencies
 * and times.
 */
export function sampleOfHour(series: Series, { start, seq }: { readonly start: number; readonly seq: number }): Sample {
  const place = { seq, at: start + seq * 1000 + 10 + 8 * chance(seq, series.connection.length) };
  const boot = series.probe === 'server-boot';
  const took = 20 + 60 * chance(seq, series.probe.length) ** 3 + (seq % 61 === 0 ? 400 : 0);
  const made = seq % 300 >= 295 ? failedSample(place, { took: 3 }) : okSample(place, boot ? 700 : took);
  const stages = boot
    ? { accepted: 0.12, active: 0.58, delete_accepted: 0.05, gone: 0.2 }
    : { first_byte: took / 1000 };
  return { ...made, probe: series.probe, connection: series.connection, requestId: `req-${seq}`, stages };
}

/** Returns a reproducible value from 0 to 1, without a pattern that would compress better than real samples. */
function chance(a: number, b: number): number {
  let mixed = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 7, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
}

const tasksOf = (count: number, start: number): readonly Task[] =>
  Array.from({ length: count }, (_, index) => {
    const at = start + (index * HOUR) / count;
    return task({
      id: `callback-${index}`,
      name: `Task ${index} of the role`,
      role: `role_${index % 50}`,
      play: `Play ${index % 10}`,
      playbook: 'setup-openstack.yml',
      kind: index % 40 === 0 ? 'handler' : 'task',
      hosts: ['a', 'b', 'c'],
      tags: ['nova', `t${index % 20}`],
      start: at,
      end: at + HOUR / count - 1,
    });
  });

/** Writes the journal of an hour of four series at 1 Hz, with an upgrade of the given number of tasks. */
export async function writeHour(
  file: string,
  { start, tasks, vantage = 'here' }: { readonly start: number; readonly tasks: number; readonly vantage?: string },
): Promise<{ readonly entries: readonly JournalEntry[]; readonly session: Session }> {
  const samples = SERIES_OF_HOUR.flatMap((series) =>
    Array.from({ length: 3600 }, (_, seq) => sampleOfHour(series, { start, seq })),
  );
  const entries: readonly JournalEntry[] = [
    ...samples.map((sample) => ({ type: 'sample', sample }) as const),
    ...tasksOf(tasks, start).map((upgradeTask) => ({ type: 'task', task: upgradeTask }) as const),
  ];
  const journal = await openJournal({ file, vantage, now: () => performance.now() });
  const session = await journal.openSession({ startedAt: start, version: '1', vantage, facts: {} }, SERIES_OF_HOUR);
  for (const entry of entries) journal.append(entry);
  await journal.flush(start + HOUR);
  await journal.closeSession(start + HOUR);
  await journal.close();
  return { entries, session };
}
