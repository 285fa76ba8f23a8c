import { Command, Option } from 'commander';
import { UserError } from '../domain/errors.ts';
import { compareRuns } from '../domain/run/comparison.ts';
import type { Report } from '../domain/run/report.ts';
import { isAccepted, VERDICT_RESULTS, type VerdictResult } from '../domain/upgrade/verdict.ts';
import { REPORT_FORMATS } from '../report/formats.ts';
import { comparisonJson, comparisonText } from '../report/text/comparison.ts';
import { type Output, print, type Sink } from '../terminal/output.ts';
import type { CommandFactory } from './command.ts';
import { callDaemon, notADaemonError } from './daemon-client.ts';
import { journalReport, rehearsalJournal } from './journal-report.ts';

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

/** A report as text, and its verdict; null if there is none. */
type RenderedReport = { readonly text: string; readonly result: VerdictResult | null };

/** The widths that the API accepts. */
const MIN_COLUMNS = 40;
const MAX_COLUMNS = 400;

export const reportCommand: CommandFactory = ({ output, finish }) =>
  new Command('report')
    .description('print the report of a run: downtime with error bars, windows and their causes, verdicts')
    .option('--journal <file>', 'journal to read, even while a daemon writes it (default: as configured)')
    .option('--url <url>', 'get the report from the daemon at this URL')
    .option('--compare <journal...>', 'compare two or more runs: their downtime, and the duration of each phase')
    .option('--config <file>', 'configuration file (default: ./rollwatch.yaml if it exists)')
    .addOption(
      new Option('--format <format>', 'output format').choices(REPORT_FORMATS.map(({ name }) => name)).default('text'),
    )
    .option('--json', 'short for --format json')
    .option(
      '--ansible-log <file...>',
      "also attribute windows to the tasks in Ansible's log, or in the output of ansible.posix.jsonl",
    )
    .option(
      '--zone <zone>',
      'time zone of the text report (default: utc) and of --ansible-log (default: local), such as Europe/Berlin',
    )
    .option('--plan <plan>', 'plan to judge by: a file, or the name of a built-in one (default: as configured)')
    .addOption(
      new Option('--fail-on <result>', 'exit with 1 on this verdict or a worse one, and always on not-judged')
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
  rollwatch report --url http://127.0.0.1:9774 --format ticket
  rollwatch report --format junit --fail-on not-proven > rollwatch.xml
  rollwatch report --compare staging.sqlite production.sqlite

Exit code 1: a phase of the upgrade exceeded its budget, or nothing was judged.`,
    )
    .action(async (flags: ReportFlags) => {
      checkFlags(flags);
      const format = flags.json === true ? 'json' : flags.format;
      const render =
        flags.url !== undefined ? renderFromDaemon : flags.compare !== undefined ? renderComparison : renderFromJournal;
      const { text, result } = await render(flags, format, output);
      await print(output.out, text);
      finish(isAccepted(result, flags.failOn) ? 0 : 1);
    });

/**
 * Rejects flags that exclude each other.
 *
 * @throws UserError if there are any
 */
function checkFlags({ url, compare, journal, plan, ansibleLog }: ReportFlags): void {
  if (compare !== undefined && (url !== undefined || journal !== undefined))
    throw new UserError('--compare cannot be used with --journal or --url; list all journals after --compare');
  if (compare !== undefined && compare.length < 2)
    throw new UserError(`--compare needs two or more journals, but got ${compare.length}`);
  if (url !== undefined && plan !== undefined)
    throw new UserError('--plan cannot be used with --url: the daemon judges by the plan in its configuration');
  if (url !== undefined && ansibleLog !== undefined)
    throw new UserError(
      "--ansible-log cannot be used with --url; report the log to the daemon with 'rollwatch task follow --once FILE'",
    );
}

async function renderFromDaemon(
  { url = '', failOn, zone }: ReportFlags,
  format: string,
  { colour, width }: Output,
): Promise<RenderedReport> {
  const query = new URLSearchParams({ format, colour: String(colour) });
  if (Number.isFinite(width)) query.set('width', String(Math.min(Math.max(width, MIN_COLUMNS), MAX_COLUMNS)));
  const localZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (failOn === 'not-proven') query.set('strict', 'true');
  if (format === 'ticket') query.set('link', url);
  if (zone !== undefined) query.set('zone', zone === 'local' ? localZone : zone);
  const request = { method: 'GET', path: `/api/v1/report?${query}` } as const;
  const { body, header } = await callDaemon({ url, token: undefined }, request);
  const verdict = header('rollwatch-verdict');
  if (verdict === null) throw notADaemonError(url);
  return { text: body, result: VERDICT_RESULTS.find((result) => result === verdict) ?? null };
}

async function renderFromJournal(
  flags: ReportFlags,
  formatName: string,
  { width, colour, err }: Output,
): Promise<RenderedReport> {
  const format = REPORT_FORMATS.find(({ name }) => name === formatName);
  if (format === undefined) throw new UserError(`--format is '${formatName}'`);
  const rehearsal = flags.journal === undefined ? rehearsalJournal(flags.config) : undefined;
  if (rehearsal !== undefined)
    await print(err, `rollwatch: no run is recorded here; this is the rehearsal in ${rehearsal}`);
  const { report, drawing } = await journalReport(flags.journal ?? rehearsal, {
    ...flags,
    draws: format.draws,
    onNote: (note) => void print(err, `rollwatch: ${note}`),
  });
  await warnOfDamage(flags.journal, report, err);
  const strict = flags.failOn === 'not-proven';
  const options = { colour, width, strict, ...zoneOption(flags), ...(drawing !== null && { drawing }) };
  return { text: format.write(report, options), result: report.verdict.result };
}

/** Warns on standard error, because CSV and JUnit cannot contain a warning. */
async function warnOfDamage(file: string | undefined, { damage }: Report, err: Sink): Promise<void> {
  if (damage.length === 0) return;
  const name = file === undefined ? 'the configured journal' : `journal ${file}`;
  await print(
    err,
    `rollwatch: ${name} is damaged, so this report covers only its readable part; 'rollwatch repair' copies that part into a new journal`,
  );
}

/** Compares the runs of several journals. The verdict is that of the run that started last. */
async function renderComparison(
  flags: ReportFlags,
  formatName: string,
  { width, colour, err }: Output,
): Promise<RenderedReport> {
  if (formatName !== 'text' && formatName !== 'json')
    throw new UserError(`--format is '${formatName}'; with --compare it must be text or json`);
  const reports = [];
  for (const file of flags.compare ?? []) {
    const { report } = await journalReport(file, flags);
    await warnOfDamage(file, report, err);
    reports.push(report);
  }
  const comparison = compareRuns(reports);
  const text =
    formatName === 'json'
      ? comparisonJson(comparison)
      : comparisonText(comparison, { colour, width, ...zoneOption(flags) });
  return { text, result: comparison.runs.at(-1)?.result ?? null };
}

const zoneOption = ({ zone }: ReportFlags): { readonly zone?: string } => (zone === undefined ? {} : { zone });
