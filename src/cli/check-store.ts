import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import { CHECK_STAGES, type CheckRun } from '../domain/check.ts';
import { UserError } from '../domain/errors.ts';
import { openJournal } from '../journal/open-journal.ts';
import { type Lock, lockHolder, lockIdentity } from '../journal/sqlite/lock.ts';
import { callDaemon, callDaemonJson, type DaemonFlags, resolveDaemon } from './daemon-client.ts';

/** Where check runs are stored: in a journal, or through a daemon in its journal. */
export type CheckStore = {
  runs(): Promise<readonly CheckRun[]>;
  add(run: CheckRun): Promise<void>;
  close(): Promise<void>;
};

const runsSchema = z.object({
  runs: z.array(
    z.object({
      stage: z.enum(CHECK_STAGES),
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
      baseline: z.string(),
    }),
  ),
});

/**
 * Prevents two checks with the same vantage and journal from running at once: each would delete the other's resources.
 * The lock ends with the process, so `check clean` works right after a check was killed.
 *
 * @throws UserError (exit code 3) if another check is running
 */
export async function lockChecks({ journal, vantage }: Configuration): Promise<Lock> {
  const hash = createHash('sha256')
    .update(`${vantage}\n${resolve(journal)}`)
    .digest('hex');
  const identity = `check-${hash.slice(0, 32)}`;
  const lock = await lockIdentity(identity);
  if (lock !== null) return lock;
  const pid = await lockHolder(identity);
  const holder = pid === null ? 'another check' : `another check (pid ${pid})`;
  throw new UserError(`${holder} is running with journal ${journal}; wait until it ends, or stop it`, 3);
}

/**
 * Locks the checks and opens the store: the daemon at `url` if given, otherwise the journal of the configuration.
 *
 * @throws UserError if another check is running, the journal cannot be opened or the daemon's token cannot be read
 */
export async function openCheckStore(flags: DaemonFlags, configuration: Configuration): Promise<CheckStore> {
  const lock = await lockChecks(configuration);
  try {
    const store =
      flags.url === undefined ? await journalStore(configuration) : daemonStore({ ...flags, url: flags.url });
    return {
      ...store,
      async close() {
        try {
          await store.close();
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

function daemonStore(flags: DaemonFlags): CheckStore {
  const daemon = resolveDaemon(flags);
  const path = '/api/v1/checks';
  return {
    runs: async () => (await callDaemonJson(daemon, { method: 'GET', path }, runsSchema)).runs,
    add: async (run) => void (await callDaemon(daemon, { method: 'POST', path, body: { runs: [run] } })),
    close: async () => {},
  };
}

async function journalStore({ journal: file, vantage }: Configuration): Promise<CheckStore> {
  // Opens the journal before the checks: if a daemon writes it, opening fails at once, not after minutes of checks.
  const journal = await openJournal({ file, vantage, now: () => Date.now() });
  return {
    runs: journal.checkRuns,
    async add(run) {
      journal.append({ type: 'check', run });
      await journal.flush(Date.now());
      const state = journal.state();
      if (state.kind === 'stopped') throw new UserError(`cannot write journal ${file}: ${state.reason}`, 3);
    },
    close: journal.close,
  };
}
