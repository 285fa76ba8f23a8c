import { z } from 'zod';
import { araHost, araPlay, araPlaybook, araResult, araTask } from '../../../src/task-sources/ara/ara-answers.ts';
import { type AraBook, createAraBook } from '../../../src/task-sources/ara/ara-cache.ts';
import { sample } from './told.ts';

const row = z.discriminatedUnion('list', [
  araPlaybook.extend({ list: z.literal('playbooks') }),
  araPlay.extend({ list: z.literal('plays') }),
  araTask.extend({ list: z.literal('tasks') }),
  araResult.extend({ list: z.literal('results') }),
  araHost.extend({ list: z.literal('hosts'), playbook: z.number() }),
]);

export type AraRow = z.output<typeof row>;

/** What ARA 1.8.0 recorded of real runs, from its lists; what nobody reads of it was left out. */
export const araRows = (name: string): readonly AraRow[] => parseAraRows(sample(name));

export const parseAraRows = (text: string): readonly AraRow[] =>
  text
    .trim()
    .split('\n')
    .map((line) => row.parse(JSON.parse(line)));

export function hear(book: AraBook, rows: readonly AraRow[]): void {
  for (const one of rows) {
    if (one.list === 'playbooks') book.playbook(one.id, one);
    else if (one.list === 'plays') book.plays([one]);
    else if (one.list === 'tasks') book.tasks([one]);
    else if (one.list === 'results') book.results([one]);
    else book.hosts(one.playbook, [one]);
  }
}

export function bookOf(rows: readonly AraRow[]): AraBook {
  const book = createAraBook();
  hear(book, rows);
  return book;
}
