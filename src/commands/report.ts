import { Command, Option } from 'commander';
import { loadSettings } from '../config/configuration.ts';
import { Refusal } from '../domain/refusal.ts';
import { readJournal } from '../journal/open-journal.ts';
import { REPORT_FORMATS } from '../report/formats.ts';
import { VERSION } from '../version.ts';
import type { CommandFactory } from './command.ts';
import { ask } from './daemon-client.ts';
import { print } from './output.ts';
import { observe } from './replay.ts';

type ReportFlags = {
  readonly config?: string;
  readonly journal?: string;
  readonly url?: string;
  readonly format: string;
  readonly json?: boolean;
  readonly zone?: string;
};

/** A session that was alive so many milliseconds ago is taken for running. */
const ALIVE = 5000;

export const reportCommand: CommandFactory = ({ output, finish }) =>
  new Command('report')
    .description('tell how a run went: downtime with error bars, windows and their causes')
    .option('--journal <file>', 'read this journal, also while a daemon writes it (default: as the configuration says)')
    .option('--url <url>', 'ask a running daemon instead')
    .option('--config <file>', 'rollwatch.yaml')
    .addOption(
      new Option('--format <format>', 'how to write it').choices(REPORT_FORMATS.map((one) => one.name)).default('text'),
    )
    .option('--json', 'the same as --format json')
    .option('--zone <zone>', 'for moments in text, as Europe/Berlin or local (default: utc)')
    .addHelpText(
      'after',
      `
Examples:
  rollwatch report
  rollwatch report --journal /var/lib/rollwatch/rollwatch.sqlite --json
  rollwatch report --url http://127.0.0.1:9774`,
    )
    .action(async (flags: ReportFlags) => {
      const format = flags.json === true ? 'json' : flags.format;
      if (flags.url !== undefined) {
        await print(output.out, await ask(flags.url, { method: 'GET', path: `/api/v1/report?format=${format}` }));
      } else {
        await print(output.out, await fromJournal(flags, format));
      }
      finish(0);
    });

async function fromJournal(flags: ReportFlags, name: string): Promise<string> {
  const settings = loadSettings({ configFile: flags.config, flags: { journal: flags.journal } });
  const journal = await readJournal(settings.journal);
  try {
    const now = Date.now();
    const observation = await observe(journal, {
      version: VERSION,
      overall: settings.overall.probes,
      aliveSince: now - ALIVE,
    });
    const format = REPORT_FORMATS.find((one) => one.name === name);
    if (format === undefined)
      throw new Refusal(`--format is '${name}'; it must be one of ${REPORT_FORMATS.map((one) => one.name).join(', ')}`);
    const { out } = process.stdout.isTTY ? { out: true } : { out: false };
    const zone = flags.zone === undefined ? {} : { zone: flags.zone };
    return format.write(observation.report(now), {
      colour: out && (process.env['NO_COLOR'] ?? '') === '',
      width: process.stdout.columns ?? 100,
      ...zone,
    });
  } finally {
    await journal.close();
  }
}
