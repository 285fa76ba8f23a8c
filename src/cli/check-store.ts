import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import { type CheckRun, STAGES } from '../domain/check.ts';
import { Refusal } from '../domain/user-error.ts';
import { openJournal } from '../journal/open-journal.ts';
import { holderOf, type Lock, lockIdentity } from '../journal/sqlite/lock.ts';
import { ask, askFor } from './api-client.ts';
import type { CheckFlags } from './check-flags.ts';
import { daemonOf } from './daemon-flags.ts';

/** Where runs are kept: a journal of our own, or that of a daemon. */
export type Keeper = {
  runs(): Promise<readonly CheckRun[]>;
  keep(run: CheckRun): Promise<void>;
  close(): Promise<void>;
};

const runsSchema = z.object({
  runs: z.array(
    z.object({
      stage: z.enum(STAGES),
      cloud: z.string(),
      vantage: z.string(),
      at: z.number(),
      checks: z.array(
        z.object({
          name: z.string(),
          status: z.enum(['pass', 'fail', 'skip']),
          detail: z.string(),
          seconds: z.number().exactOptional(),
        }),
      ),
      stock: z.string(),
    }),
  ),
});

/**
 * Makes this the only check of a vantage and a journal: another one deletes what this one has made for a moment. The lock
 * goes with the process, so that `check clean` works at once after one was killed. Throws a Refusal.
 */
export async function lockChecks({ journal, vantage }: Configuration): Promise<Lock> {
  const hash = createHash('sha256')
    .update(`${vantage}\n${resolve(journal)}`)
    .digest('hex');
  const identity = `check-${hash.slice(0, 32)}`;
  const lock = await lockIdentity(identity);
  if (lock !== null) return lock;
  const pid = await holderOf(identity);
  const who = pid === null ? 'another check' : `another check (pid ${pid})`;
  throw new Refusal(`${who} is at work with journal ${journal}: let it end, or stop it`, 3);
}

export async function keeperOf(flags: CheckFlags, configuration: Configuration): Promise<Keeper> {
  const lock = await lockChecks(configuration);
  try {
    const keeper = await openKeeper(flags, configuration);
    return {
      ...keeper,
      async close() {
        try {
          await keeper.close();
        } finally {
          lock.release();
        }
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function openKeeper({ url, tokenFile }: CheckFlags, configuration: Configuration): Promise<Keeper> {
  if (url !== undefined) {
    const path = '/api/v1/checks';
    const { token } = daemonOf({ url, ...(tokenFile !== undefined && { tokenFile }) });
    return {
      runs: async () => (await askFor(runsSchema, url, { method: 'GET', path })).runs,
      keep: async (run) => void (await ask(url, { method: 'POST', path, body: { runs: [run] }, token })),
      close: async () => {},
    };
  }
  const { journal: file, vantage } = configuration;
  // Refused at once where a daemon writes it, not after minutes of checks
  const journal = await openJournal({ file, vantage, now: () => Date.now() });
  return {
    runs: journal.checkRuns,
    async keep(run) {
      journal.append({ type: 'check', run });
      await journal.flush(Date.now());
      const state = journal.state();
      if (state.kind === 'stopped') throw new Refusal(`${file} cannot be written: ${state.reason}`, 3);
    },
    close: journal.close,
  };
}
