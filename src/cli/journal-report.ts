import { existsSync } from 'node:fs';
import { createDrawing, type Drawing } from '../api/drawing.ts';
import { loadSettings } from '../config/configuration.ts';
import { loadRunState } from '../daemon/replay.ts';
import { UserError } from '../domain/errors.ts';
import type { Report } from '../domain/run/report.ts';
import { readJournal } from '../journal/open-journal.ts';
import { describeProbes } from '../probes/registry.ts';
import { readAnsibleLog } from '../task-sources/ansible-log/read-ansible-log.ts';
import { VERSION } from '../version.ts';

export type JournalReportOptions = {
  readonly config?: string | undefined;
  readonly plan?: string | undefined;
  /** Ansible logs whose tasks are added to those in the journal. */
  readonly ansibleLog?: readonly string[] | undefined;
  /** Time zone of the logs; local by default. */
  readonly zone?: string | undefined;
  /** Receives warnings about the logs. */
  readonly onNote?: (note: string) => void;
  /** Whether to draw all samples. */
  readonly draws?: true | undefined;
};

export type JournalReport = {
  readonly report: Report;
  /** Null unless `draws` is set. */
  readonly drawing: Drawing | null;
};

/** A session that was alive this recently counts as running. */
const ALIVE_TIMEOUT_MS = 5000;

/** The journal of rehearsals, in the current folder. */
export const REHEARSAL_JOURNAL = 'rehearsal.sqlite';

/**
 * Returns the rehearsal's journal if it exists, the configured journal does not, and no cloud is configured. Returns
 * undefined if the configured journal is to be read.
 *
 * @throws UserError if a cloud is configured that has no journal, while a rehearsal has one
 */
export function rehearsalJournal(config: string | undefined): string | undefined {
  if (!existsSync(REHEARSAL_JOURNAL)) return undefined;
  const { file, journal } = loadSettings({ configFile: config });
  if (existsSync(journal)) return undefined;
  if (file === null && (process.env['OS_CLOUD'] ?? '') === '') return REHEARSAL_JOURNAL;
  throw new UserError(`journal ${journal} does not exist; for the rehearsal add --journal ${REHEARSAL_JOURNAL}`);
}

/**
 * Computes the report of a journal, even while a daemon writes it. Without `file` reads the configured journal.
 *
 * @throws UserError if the configuration, the journal or a log cannot be read
 */
export async function journalReport(file: string | undefined, options: JournalReportOptions): Promise<JournalReport> {
  const { config, plan, ansibleLog = [], zone = 'local', onNote = () => {}, draws } = options;
  const settings = loadSettings({ configFile: config, flags: { journal: file, plan } });
  const journal = await readJournal(settings.journal);
  try {
    const now = Date.now();
    const runState = await loadRunState(journal, {
      version: VERSION,
      overall: settings.overall.probes,
      probes: describeProbes(),
      plan: settings.plan,
      aliveSince: now - ALIVE_TIMEOUT_MS,
    });
    for (const log of ansibleLog) {
      for await (const task of readAnsibleLog(log, { zone, onNote })) runState.accept({ type: 'task', task });
    }
    runState.setDamage(journal.damage());
    const report = runState.report(now);
    if (draws !== true) return { report, drawing: null };
    const drawing = createDrawing(report);
    for await (const sample of journal.samples()) drawing.add(sample);
    return { report, drawing: drawing.finish() };
  } finally {
    await journal.close();
  }
}
