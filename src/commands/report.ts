import { Command, Option } from 'commander';
import { loadSettings } from '../config/configuration.ts';
import { Refusal } from '../domain/refusal.ts';
import { RESULTS, type Result } from '../domain/verdict.ts';
import { readJournal } from '../journal/open-journal.ts';
import { REPORT_FORMATS } from '../report/formats.ts';
import { readAnsibleLog } from '../upgrade/read-ansible-log.ts';
import { VERSION } from '../version.ts';
import type { CommandFactory } from './command.ts';
import { askWhole } from './daemon-client.ts';
import { type Output, print } from './output.ts';
import { observe } from './replay.ts';

type ReportFlags = {
  readonly config?: string;
  readonly journal?: string;
  readonly url?: string;
  readonly format: string;
  readonly json?: boolean;
  readonly zone?: string;
  readonly plan?: string;
  readonly failOn: 'fail' | 'not-proven';
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
    .option(
      '--plan <plan>',
      'judge by this plan, a file or the name of a shipped one (default: as the configuration says)',
    )
    .addOption(
      new Option('--fail-on <result>', 'exit with 1 on a verdict of fail, or already where something is not proven')
        .choices(['fail', 'not-proven'])
        .default('fail'),
    )
    .addHelpText(
      'after',
      `
Examples:
  rollwatch report
  rollwatch report --journal /var/lib/rollwatch/rollwatch.sqlite --json
  rollwatch report --url http://127.0.0.1:9774
  rollwatch report --format junit --fail-on not-proven > rollwatch.xml

Exit code 1: a phase of the upgrade cost more than its plan promises.`,
    )
    .action(async (flags: ReportFlags) => {
      const format = flags.json === true ? 'json' : flags.format;
      if (flags.url !== undefined && flags.plan !== undefined)
        throw new Refusal('--plan goes with a journal: a daemon judges by the plan of its configuration');
      if (flags.url !== undefined && flags.ansibleLog !== undefined)
        throw new Refusal(
          "--ansible-log goes with a journal: 'rollwatch task follow --once FILE' tells a daemon of it",
        );
      if (flags.url !== undefined) {
        const width = Math.min(Math.max(output.width, 40), 400);
        const query = new URLSearchParams({ format, width: String(width), colour: String(output.colour) });
        const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
        if (flags.failOn === 'not-proven') query.set('strict', 'true');
        if (flags.zone !== undefined) query.set('zone', flags.zone === 'local' ? here : flags.zone);
        const answer = await askWhole(flags.url, { method: 'GET', path: `/api/v1/report?${query}` });
        await print(output.out, answer.body);
        finish(exitCode(RESULTS.find((one) => one === answer.header('rollwatch-verdict')) ?? null, flags));
      } else {
        const { text, result } = await fromJournal(flags, format, output);
        await print(output.out, text);
        finish(exitCode(result, flags));
      }
    });

const exitCode = (result: Result | null, { failOn }: ReportFlags): number =>
  result === 'fail' || (result === 'not-proven' && failOn === 'not-proven') ? 1 : 0;

async function fromJournal(
  flags: ReportFlags,
  name: string,
  { width, colour }: Output,
): Promise<{ readonly text: string; readonly result: Result | null }> {
  const format = REPORT_FORMATS.find((one) => one.name === name);
  if (format === undefined) throw new Refusal(`--format is '${name}'`);
  const settings = loadSettings({ configFile: flags.config, flags: { journal: flags.journal, plan: flags.plan } });
  const journal = await readJournal(settings.journal);
  try {
    const now = Date.now();
    const observation = await observe(journal, {
      version: VERSION,
      overall: settings.overall.probes,
      plan: settings.plan,
      aliveSince: now - ALIVE,
    });
    for (const file of flags.ansibleLog ?? []) {
      for await (const task of readAnsibleLog(file, { zone: flags.zone ?? 'local' }))
        observation.accept({ type: 'task', task });
    }
    const zone = flags.zone === undefined ? {} : { zone: flags.zone };
    const report = observation.report(now);
    const strict = flags.failOn === 'not-proven';
    return { text: format.write(report, { colour, width, strict, ...zone }), result: report.verdict.result };
  } finally {
    await journal.close();
  }
}
