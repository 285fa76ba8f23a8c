import { z } from 'zod';
import { type AraCache, createAraCache } from '../../../src/task-sources/ara/ara-cache.ts';
import { araHost, araPlay, araPlaybook, araResult, araTask } from '../../../src/task-sources/ara/ara-schemas.ts';
import { sample } from './task-samples.ts';

const row = z.discriminatedUnion('list', [
  araPlaybook.extend({ list: z.literal('playbooks') }),
  araPlay.extend({ list: z.literal('plays') }),
  araTask.extend({ list: z.literal('tasks') }),
  araResult.extend({ list: z.literal('results') }),
  araHost.extend({ list: z.literal('hosts'), playbook: z.number() }),
]);

export type AraRecord = z.output<typeof row>;

/** What ARA 1.8.0 recorded of real runs, without the fields that Rollwatch does not read. */
export const araRecords = (name: string): readonly AraRecord[] => parseAraRecords(sample(name));

export const parseAraRecords = (text: string): readonly AraRecord[] =>
  text
    .trim()
    .split('\n')
    .map((line) => row.parse(JSON.parse(line)));

export function addRecords(cache: AraCache, rows: readonly AraRecord[]): void {
  for (const one of rows) {
    if (one.list === 'playbooks') cache.addPlaybook(one.id, one);
    else if (one.list === 'plays') cache.addPlays([one]);
    else if (one.list === 'tasks') cache.addTasks([one]);
    else if (one.list === 'results') cache.addResults([one]);
    else cache.addHosts(one.playbook, [one]);
  }
}

export function cacheOf(rows: readonly AraRecord[]): AraCache {
  const cache = createAraCache();
  addRecords(cache, rows);
  return cache;
}
