import { Command, Option } from 'commander';
import { compareRuns } from '../domain/run/comparison.ts';
import type { Report } from '../domain/run/report.ts';
import { isAccepted, RESULTS, type Result } from '../domain/upgrade/verdict.ts';
import { Refusal } from '../domain/user-error.ts';
import { comparisonJson, comparisonText } from '../report/comparison.ts';
import { REPORT_FORMATS } from '../report/formats.ts';
import { askWhole, notADaemon } from './api-client.ts';
import type { CommandFactory } from './command.ts';
import { journalReport, rehearsalInstead } from './journal-report.ts';
import { type Output, print, type Sink } from './output.ts';

type ReportFlags = {
  readonly config?: string;
  readonly journal?: string;
  readonly url?: string;
  readonly compare?: readonly string[];
  readonly format: string;
  readonly json?: boolean;
  readonly zone?: string;
  readonly plan?: string;
  readonly failOn: 'fail' | 'not-proven';
  readonly ansibleLog?: readonly string[];
};

/** What was written, and the verdict on it. */
type Told = { readonly text: string; readonly result: Result | null };

export const reportCommand: CommandFactory = ({ output, finish }) =>
  new Command('report')
    .description('tell how a run went: downtime with error bars, windows and their causes, the verdict on each phase')
    .option('--journal <file>', 'read this journal, also while a daemon writes it (default: as the configuration says)')
    .option('--url <url>', 'ask a running daemon instead')
    .option('--compare <journal...>', 'lay two or more runs side by side: their downtime and how long each phase took')
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
  rollwatch report --compare staging.sqlite production.sqlite

Exit code 1: a phase of the upgrade cost more than its plan promises.`,
    )
    .action(async (flags: ReportFlags) => {
      refuseMixed(flags);
      const format = flags.json === true ? 'json' : flags.format;
      const tell = flags.url !== undefined ? fromDaemon : flags.compare !== undefined ? fromSeveral : fromJournal;
      const { text, result } = await tell(flags, format, output);
      await print(output.out, text);
      finish(isAccepted(result, flags.failOn) ? 0 : 1);
    });

function refuseMixed({ url, compare, journal, plan, ansibleLog }: ReportFlags): void {
  if (compare !== undefined && (url !== undefined || journal !== undefined))
    throw new Refusal('--compare names the journals itself; leave --journal and --url out');
  if (compare !== undefined && compare.length < 2)
    throw new Refusal(`--compare has ${compare.length} journal; name two or more`);
  if (url !== undefined && plan !== undefined)
    throw new Refusal('--plan goes with a journal: a daemon judges by the plan of its configuration');
  if (url !== undefined && ansibleLog !== undefined)
    throw new Refusal("--ansible-log goes with a journal: 'rollwatch task follow --once FILE' tells a daemon of it");
}

async function fromDaemon({ url = '', failOn, zone }: ReportFlags, format: string, output: Output): Promise<Told> {
  const query = new URLSearchParams({ format, colour: String(output.colour) });
  if (Number.isFinite(output.width)) query.set('width', String(Math.min(Math.max(output.width, 40), 400)));
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (failOn === 'not-proven') query.set('strict', 'true');
  if (zone !== undefined) query.set('zone', zone === 'local' ? here : zone);
  const { body, header } = await askWhole(url, { method: 'GET', path: `/api/v1/report?${query}` });
  if (header('rollwatch-verdict') === null) throw notADaemon(url);
  return { text: body, result: RESULTS.find((one) => one === header('rollwatch-verdict')) ?? null };
}

async function fromJournal(flags: ReportFlags, name: string, { width, colour, err }: Output): Promise<Told> {
  const format = REPORT_FORMATS.find((one) => one.name === name);
  if (format === undefined) throw new Refusal(`--format is '${name}'`);
  const rehearsed = flags.journal === undefined ? rehearsalInstead(flags.config) : undefined;
  if (rehearsed !== undefined)
    await print(err, `rollwatch: no run was recorded here; this is the rehearsal in ${rehearsed}`);
  const { report, drawing } = await journalReport(flags.journal ?? rehearsed, {
    ...flags,
    draws: format.draws,
    onNote: (note) => void print(err, `rollwatch: ${note}`),
  });
  await warnOfDamage(flags.journal, report, err);
  const strict = flags.failOn === 'not-proven';
  const options = { colour, width, strict, ...zoneOf(flags), ...(drawing !== null && { drawing }) };
  return { text: format.write(report, options), result: report.verdict.result };
}

/** CSV and JUnit have no place for it. */
async function warnOfDamage(file: string | undefined, { damage }: Report, err: Sink): Promise<void> {
  if (damage.length === 0) return;
  const name = file ?? 'of the configuration';
  await print(
    err,
    `rollwatch: journal ${name} is damaged, and only what could be read is reported; 'rollwatch repair' writes that into a new journal`,
  );
}

/** The verdict is that of the run that began last. */
async function fromSeveral(flags: ReportFlags, name: string, { width, colour, err }: Output): Promise<Told> {
  if (name !== 'text' && name !== 'json')
    throw new Refusal(`--format is '${name}'; with --compare it must be text or json`);
  const reports = [];
  for (const file of flags.compare ?? []) {
    const { report } = await journalReport(file, flags);
    await warnOfDamage(file, report, err);
    reports.push(report);
  }
  const comparison = compareRuns(reports);
  const text =
    name === 'json' ? comparisonJson(comparison) : comparisonText(comparison, { colour, width, ...zoneOf(flags) });
  return { text, result: comparison.runs.at(-1)?.result ?? null };
}

const zoneOf = ({ zone }: ReportFlags): { readonly zone?: string } => (zone === undefined ? {} : { zone });
