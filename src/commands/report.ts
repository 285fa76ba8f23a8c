import { Command, Option } from 'commander';
import { loadSettings } from '../config/configuration.ts';
import { Refusal } from '../domain/refusal.ts';
import { readJournal } from '../journal/open-journal.ts';
import { REPORT_FORMATS } from '../report/formats.ts';
import { readAnsibleLog } from '../upgrade/read-ansible-log.ts';
import { VERSION } from '../version.ts';
import type { CommandFactory } from './command.ts';
import { ask } from './daemon-client.ts';
import { type Output, print } from './output.ts';
import { observe } from './replay.ts';

type ReportFlags = {
  readonly config?: string;
  readonly journal?: string;
  readonly url?: string;
  readonly format: string;
  readonly json?: boolean;
  readonly zone?: string;
  readonly ansibleLog?: readonly string[];
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
    .option(
      '--ansible-log <file...>',
      "put windows down to the tasks in Ansible's log too, or in the output of ansible.posix.jsonl",
    )
    .option(
      '--zone <zone>',
      'for moments in text (default: utc), and of the moments in --ansible-log (default: local), as Europe/Berlin',
    )
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
      if (flags.url !== undefined && flags.ansibleLog !== undefined)
        throw new Refusal(
          "--ansible-log goes with a journal: 'rollwatch task follow --once FILE' tells a daemon of it",
        );
      if (flags.url !== undefined) {
        const width = Math.min(Math.max(output.width, 40), 400);
        const query = new URLSearchParams({ format, width: String(width), colour: String(output.colour) });
        const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
        if (flags.zone !== undefined) query.set('zone', flags.zone === 'local' ? here : flags.zone);
        await print(output.out, await ask(flags.url, { method: 'GET', path: `/api/v1/report?${query}` }));
      } else {
        await print(output.out, await fromJournal(flags, format, output));
      }
      finish(0);
    });

async function fromJournal(flags: ReportFlags, name: string, { width, colour }: Output): Promise<string> {
  const format = REPORT_FORMATS.find((one) => one.name === name);
  if (format === undefined) throw new Refusal(`--format is '${name}'`);
  const settings = loadSettings({ configFile: flags.config, flags: { journal: flags.journal } });
  const journal = await readJournal(settings.journal);
  try {
    const now = Date.now();
    const observation = await observe(journal, {
      version: VERSION,
      overall: settings.overall.probes,
      aliveSince: now - ALIVE,
    });
    for (const file of flags.ansibleLog ?? []) {
      for await (const task of readAnsibleLog(file, { zone: flags.zone ?? 'local' }))
        observation.accept({ type: 'task', task });
    }
    const zone = flags.zone === undefined ? {} : { zone: flags.zone };
    return format.write(observation.report(now), { colour, width, ...zone });
  } finally {
    await journal.close();
  }
}
