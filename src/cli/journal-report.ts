import { existsSync } from 'node:fs';
import { createDrawing, type Drawing } from '../api/drawing.ts';
import { loadSettings } from '../config/configuration.ts';
import { observe } from '../daemon/replay.ts';
import type { Report } from '../domain/run/report.ts';
import { Refusal } from '../domain/user-error.ts';
import { readJournal } from '../journal/open-journal.ts';
import { readAnsibleLog } from '../task-sources/ansible-log/read-ansible-log.ts';
import { VERSION } from './version.ts';

export type JournalReportOptions = {
  readonly config?: string | undefined;
  readonly plan?: string | undefined;
  /** Logs of Ansible whose tasks count too, and the zone of their moments. */
  readonly ansibleLog?: readonly string[] | undefined;
  readonly zone?: string | undefined;
  /** Takes what the reader should know of how those logs were understood. */
  readonly onNote?: (note: string) => void;
  /** The samples themselves are wanted too. */
  readonly draws?: true | undefined;
};

/** A session that was alive so many milliseconds ago is taken for running. */
const ALIVE = 5000;

export type JournalReport = {
  readonly report: Report;
  /** Null where it was not asked for. */
  readonly drawing: Drawing | null;
};

/** Where a rehearsal records, in the current folder. */
export const REHEARSAL_JOURNAL = 'rehearsal.sqlite';

/**
 * The rehearsal's journal, where nobody has named another, no cloud is named and no run was recorded here: whoever asks
 * for a report then has rehearsed. Otherwise undefined.
 */
export function rehearsalInstead(config: string | undefined): string | undefined {
  if (!existsSync(REHEARSAL_JOURNAL)) return undefined;
  const { file, journal } = loadSettings({ configFile: config });
  if (existsSync(journal)) return undefined;
  if (file === null && (process.env['OS_CLOUD'] ?? '') === '') return REHEARSAL_JOURNAL;
  throw new Refusal(`journal ${journal} does not exist; that of the rehearsal is --journal ${REHEARSAL_JOURNAL}`);
}

/** What a journal says, also while a daemon writes it; without a name the one of the configuration. */
export async function journalReport(file: string | undefined, options: JournalReportOptions): Promise<JournalReport> {
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
      for await (const task of readAnsibleLog(log, {
        zone: options.zone ?? 'local',
        onNote: options.onNote ?? (() => {}),
      }))
        observation.accept({ type: 'task', task });
    }
    observation.damaged(journal.damage());
    const report = observation.report(now);
    if (options.draws !== true) return { report, drawing: null };
    const drawing = createDrawing(report);
    for await (const sample of journal.samples()) drawing.add(sample);
    return { report, drawing: drawing.finish() };
  } finally {
    await journal.close();
  }
}
