import type { ReportOptions } from '../api/report-format.ts';
import { type CheckReport, isRegression } from '../domain/check.ts';
import type { Report } from '../domain/run/report.ts';
import { type Millis, toIso } from '../domain/time.ts';
import { type BudgetVerdict, type PhaseVerdict, verdictParts } from '../domain/upgrade/verdict.ts';
import { budgetLimit, budgetSentence, measureText } from '../format/budgets.ts';
import { incidentSentence } from '../format/incidents.ts';
import { printable, printableLine } from '../format/printable.ts';
import { createPaint } from './text/paint.ts';
import { windowsSection } from './text/sections.ts';
import { timeFormatIn } from './time-format.ts';
import { verdictSentences } from './verdict-sentences.ts';

/**
 * Writes one suite per phase with one case per budget, and one suite per stage of checks, in Jenkins' schema
 * (https://github.com/jenkinsci/xunit-plugin, junit-10.xsd), which GitLab and Zuul read too. The text of a failed
 * budget contains the incidents and the windows. A phase that never started is skipped. A budget that is not proven passes with a note,
 * or fails if `strict` is set.
 */
export function reportJunit(report: Report, { strict = false, zone = 'utc' }: ReportOptions): string {
  const { plan } = report.verdict;
  const suites = [
    ...(report.verdict.result === 'not-judged' ? [unjudgedSuite(report)] : []),
    ...verdictParts(report.verdict).map((phase) => suite(report, phase, { strict, zone })),
    ...report.checks.map(checkSuite),
  ];
  const totals = totalsOf(suites);
  const name = plan === null ? 'rollwatch' : `rollwatch ${plan}`;
  const body = suites.map(({ xml }) => xml).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('testsuites', { name, ...totals, time: seconds((report.run.endedAt - report.run.startedAt) / 1000) }, body)}\n`;
}

/** Writes the suites of check runs alone, without a report. */
export function checksJunit(reports: readonly CheckReport[]): string {
  const suites = reports.map(checkSuite);
  const totals = totalsOf(suites);
  const body = suites.map(({ xml }) => xml).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('testsuites', { name: 'rollwatch check', ...totals }, body)}\n`;
}

/** Writes one case per check. A failure from before the upgrade passes with a note: the upgrade did not cause it. */
function checkSuite({ stage, cloud, vantage, at, checks }: CheckReport): Suite {
  const classname = `rollwatch.check-${stage}`;
  const failures = checks.filter(isRegression).length;
  const cases = checks.map((check) => {
    const detail = printableLine(check.detail);
    const inner =
      check.status === 'skip'
        ? element('skipped', { message: detail })
        : isRegression(check)
          ? element('failure', { message: detail, type: 'fail' }, xmlText(detail))
          : element('system-out', {}, xmlText(check.status === 'fail' ? `also failed before: ${detail}` : detail));
    return `${element('testcase', { classname, name: check.name, time: seconds(check.seconds ?? 0) }, inner)}\n`;
  });
  const xml = element(
    'testsuite',
    {
      name: classname,
      tests: checks.length,
      failures,
      errors: 0,
      skipped: checks.filter(({ status }) => status === 'skip').length,
      time: seconds(checks.reduce((sum, check) => sum + (check.seconds ?? 0), 0)),
      timestamp: toIso(at).slice(0, 19),
      hostname: vantage,
    },
    `\n${element('properties', {}, `\n${element('property', { name: 'cloud', value: cloud })}\n`)}\n${cases.join('')}`,
  );
  return { tests: checks.length, failures, xml: `\n${xml}` };
}

type Suite = { readonly tests: number; readonly failures: number; readonly xml: string };

const totalsOf = (suites: readonly Suite[]) => ({
  tests: suites.reduce((sum, { tests }) => sum + tests, 0),
  failures: suites.reduce((sum, { failures }) => sum + failures, 0),
  errors: 0,
});

type Options = { readonly strict: boolean; readonly zone: string };

function suite(report: Report, phase: PhaseVerdict, options: Options): Suite {
  const cases = casesOf(report, phase, options);
  const start = phase.intervals[0]?.from ?? report.run.startedAt;
  const failures = cases.filter(({ failed }) => failed).length;
  const properties = [
    ['run', report.run.id],
    ['clouds', report.run.clouds.join(', ')],
    ['rollwatch', report.run.version],
    ...(phase.promise === '' ? [] : [['promise', phase.promise]]),
    ...(phase.task === null ? [] : [['first task', phase.task]]),
  ].map(([name = '', value = '']) => element('property', { name, value }));
  const xml = element(
    'testsuite',
    {
      name: `rollwatch.${phase.name}`,
      tests: cases.length,
      failures,
      errors: 0,
      skipped: phase.budgets.length === 0 ? cases.length : 0,
      time: seconds(phase.measures?.elapsed ?? 0),
      // In UTC; the schema does not allow a zone.
      timestamp: toIso(start).slice(0, 19),
      hostname: report.run.vantages.join(' '),
    },
    `\n${element('properties', {}, `\n${properties.join('\n')}\n`)}\n${cases.map((testcase) => `${testcase.xml}\n`).join('')}`,
  );
  return { tests: cases.length, failures, xml: `\n${xml}` };
}

/** Writes a failure for a run that was not judged: it has not passed, and CI must show that. */
function unjudgedSuite(report: Report): Suite {
  const message = verdictSentences(report.verdict)[0]?.text ?? 'NOT JUDGED: there is no plan.';
  const failure = element('failure', { message, type: 'not-judged' }, xmlText(message));
  const testcase = element('testcase', { classname: 'rollwatch.verdict', name: 'judged', time: seconds(0) }, failure);
  const counts = { tests: 1, failures: 1, errors: 0, skipped: 0, time: seconds(0) };
  const attributes = { name: 'rollwatch.verdict', ...counts, timestamp: toIso(report.run.startedAt).slice(0, 19) };
  const xml = element('testsuite', { ...attributes, hostname: report.run.vantages.join(' ') }, `\n${testcase}\n`);
  return { tests: 1, failures: 1, xml: `\n${xml}` };
}

type Case = { readonly failed: boolean; readonly xml: string };

function casesOf(report: Report, phase: PhaseVerdict, options: Options): readonly Case[] {
  const time = seconds(phase.measures?.elapsed ?? 0);
  const testcase = (name: string, inner: string) =>
    element('testcase', { classname: `rollwatch.${phase.name}`, name, time }, inner);
  if (phase.measures === null) {
    const skipped = element('skipped', { message: 'the phase never started' });
    return [{ failed: false, xml: testcase('phase', skipped) }];
  }
  if (phase.budgets.length === 0) {
    const message = phase.planned ? 'the plan has no budget for the phase' : 'the phase is not in the plan';
    return [{ failed: false, xml: testcase('phase', element('skipped', { message })) }];
  }
  return phase.budgets.map((budget): Case => {
    const failed = budget.result === 'fail' || (options.strict && budget.result === 'not-proven');
    return { failed, xml: testcase(budgetLimit(budget), caseResult(report, phase, { ...options, budget, failed })) };
  });
}

/** Returns the sentences of the incidents that may overlap a phase. */
function incidentLines(report: Report, { windows }: PhaseVerdict, time: (at: Millis) => string): readonly string[] {
  const ids = new Set(windows.map(({ id }) => id));
  const sentences = report.incidents
    .filter((incident) => incident.windows.some(({ id }) => ids.has(id)))
    .map((incident) => incidentSentence(incident, { ...report, time }));
  return sentences.length === 0 ? [] : [...sentences, ''];
}

function caseResult(
  report: Report,
  phase: PhaseVerdict,
  { budget, failed, zone }: Options & { readonly budget: BudgetVerdict; readonly failed: boolean },
): string {
  const sentence = budgetSentence(budget);
  if (!failed) {
    const note = budget.result === 'not-proven' ? `NOT PROVEN: ${sentence}` : measureText(budget.name, budget.measured);
    return element('system-out', {}, xmlText(note));
  }
  const times = timeFormatIn(zone, { from: report.run.startedAt, until: report.run.endedAt });
  const table = windowsSection(
    { ...report, windows: phase.windows },
    { width: Number.POSITIVE_INFINITY, paint: createPaint(false), times },
  );
  const text = [
    `${printableLine(phase.name)}: ${sentence}`,
    ...(phase.promise === '' ? [] : [printableLine(phase.promise)]),
    '',
    ...incidentLines(report, phase, times.tenths),
    'Windows',
    ...table,
  ];
  return element('failure', { message: sentence, type: budget.result }, xmlText(text.join('\n')));
}

const seconds = (value: number): string => value.toFixed(3);

type Attributes = { readonly [name: string]: string | number };

/** Writes an element. Attributes are plain text, written on one line; `inner` is XML. */
function element(name: string, attributes: Attributes, inner = ''): string {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${xmlText(printableLine(String(value)))}"`,
  );
  return inner === '' ? `<${name}${written.join('')}/>` : `<${name}${written.join('')}>${inner}</${name}>`;
}

/** Characters that `printable` keeps and XML 1.0 cannot express; https://www.w3.org/TR/xml/#charsets */
const FORBIDDEN = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

const xmlText = (text: string): string =>
  printable(text)
    .replaceAll(FORBIDDEN, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
