import { isRegression, outcomeSummary } from '../../domain/check.ts';
import type { Report } from '../../domain/run/report.ts';
import { checksToReport } from '../../format/checks.ts';
import { printableLine } from '../../format/printable.ts';
import { wrap } from './layout.ts';
import type { SectionOptions } from './sections.ts';

type Checks = Report['checks'][number];

/** Writes a heading per stage and a line for each check that did not pass; Tempest's passing tests share one line. */
export function checksSection(
  { checks, clouds }: Pick<Report, 'checks' | 'clouds'>,
  options: SectionOptions,
): readonly string[] {
  return checks.flatMap((report) => {
    const place = clouds.length > 1 ? ` ${printableLine(report.cloud)} from ${printableLine(report.vantage)}` : '';
    const { times, paint } = options;
    const result = report.ok ? paint.good('pass') : paint.bad('FAIL');
    return [
      `  ${report.stage}${place}, ${times.time(report.at)}: ${result} (${outcomeSummary(report.checks)})`,
      ...checkLines(report, options, { all: false }),
    ];
  });
}

/** `all` includes checks that pass, and every test of Tempest. */
export function checkLines(
  { checks }: Pick<Checks, 'checks'>,
  { width, paint }: Pick<SectionOptions, 'width' | 'paint'>,
  { all }: { readonly all: boolean },
): readonly string[] {
  const shown = all ? checks : checksToReport(checks);
  return shown.flatMap((check) => {
    const { status, before } = check;
    const tone =
      status === 'pass' ? paint.good : status === 'skip' ? paint.dim : isRegression(check) ? paint.bad : paint.warn;
    const note = status === 'fail' && before === 'fail' ? ' (also failed before)' : '';
    const text = `${printableLine(check.name)}: ${printableLine(check.detail)}${note}`;
    // The name of a test is not truncated, so that it can be copied.
    const longest = Math.max(...text.split(' ').map(({ length }) => length));
    const [first = '', ...more] = wrap(text, Math.max(width - 10, longest + 2), '  ');
    return [`    ${tone(status.padEnd(4))}  ${first}`, ...more.map((line) => `          ${line}`)];
  });
}
