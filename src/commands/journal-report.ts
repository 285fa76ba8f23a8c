import { loadSettings } from '../config/configuration.ts';
import type { Report } from '../domain/summary.ts';
import { readJournal } from '../journal/open-journal.ts';
import { readAnsibleLog } from '../upgrade/read-ansible-log.ts';
import { VERSION } from '../version.ts';
import { observe } from './replay.ts';

export type JournalReportOptions = {
  readonly config?: string | undefined;
  readonly plan?: string | undefined;
  /** Logs of Ansible whose tasks count too, and the zone of their moments. */
  readonly ansibleLog?: readonly string[] | undefined;
  readonly zone?: string | undefined;
};

/** A session that was alive so many milliseconds ago is taken for running. */
const ALIVE = 5000;

/** What a journal says, also while a daemon writes it; without a name the one of the configuration. */
export async function journalReport(file: string | undefined, options: JournalReportOptions): Promise<Report> {
  const settings = loadSettings({ configFile: options.config, flags: { journal: file, plan: options.plan } });
  const journal = await readJournal(settings.journal);
  try {
    const now = Date.now();
    const observation = await observe(journal, {
      version: VERSION,
      overall: settings.overall.probes,
      plan: settings.plan,
      aliveSince: now - ALIVE,
    });
    for (const log of options.ansibleLog ?? []) {
      for await (const task of readAnsibleLog(log, { zone: options.zone ?? 'local' }))
        observation.accept({ type: 'task', task });
    }
    return observation.report(now);
  } finally {
    await journal.close();
  }
}
