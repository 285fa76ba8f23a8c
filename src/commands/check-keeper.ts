import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import { type CheckRun, STAGES } from '../domain/checks/check.ts';
import { Refusal } from '../domain/refusal.ts';
import { openJournal } from '../journal/open-journal.ts';
import type { CheckFlags } from './check-flags.ts';
import { ask, askFor } from './daemon-client.ts';
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

export async function keeperOf({ url, tokenFile }: CheckFlags, configuration: Configuration): Promise<Keeper> {
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
