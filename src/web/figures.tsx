import type { ComponentChildren, JSX } from 'preact';
import { type ApiPhase, fromApiBudget } from '../api/phase.ts';
import type { ApiOverall, ApiReport } from '../api/report.ts';
import { BUDGET_NAMES, BUDGETS, isDowntimeBudget } from '../domain/upgrade/plan.ts';
import { budgetLimit, budgetSentence, RESULT_WORDS } from '../format/budgets.ts';
import { checksToReport } from '../format/checks.ts';
import { capitalised, counted, duration, errorBar, grown, latency, percent, span } from '../format/quantities.ts';
import { seriesNames, sessionState } from '../format/run-labels.ts';
import { VERDICT_TONES } from './answer.ts';
import { downtimeFigures } from './extend-to-now.ts';
import { textFilter } from './filter.ts';
import { Fold, type Folds } from './fold.tsx';
import { Table } from './table.tsx';
import type { TimeFormat } from './time-format.ts';

type SectionProps = { readonly report: ApiReport; readonly times: TimeFormat };
type FoldedProps = SectionProps & { readonly folds: Folds };

/** Shows the downtime of each probe. */
export function Downtime({
  report,
  overall,
  children,
}: {
  readonly report: ApiReport;
  /** What else the card shows. */
  readonly children?: ComponentChildren;
  /** Computed for the same time as the banner above. */
  readonly overall: ApiOverall;
}): JSX.Element {
  const { unobservedSeconds } = overall;
  return (
    <section class="card" aria-labelledby="downtime-title">
      <h2 id="downtime-title">
        Downtime{report.run.running ? ' so far' : ''}{' '}
        <small>
          of {span(report.run.durationSeconds)}
          {unobservedSeconds > 1 ? `, ${span(unobservedSeconds)} of it unobserved` : ''}
        </small>
      </h2>
      <dl class="figures">
        {downtimeFigures(report, overall).map(({ title, downtime }) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd class={downtime.estimate > 0 ? 'bad' : 'good'}>{errorBar(downtime)}</dd>
          </div>
        ))}
      </dl>
      {children}
    </section>
  );
}

export function Phases({ report, times }: SectionProps): JSX.Element | null {
  const { run, outside } = report.verdict;
  const parts = [outside, run].filter((part) => part !== null);
  const started = [...report.phases, ...parts].filter(({ intervals }) => intervals.length > 0);
  const notStarted = report.phases.filter(({ intervals }) => intervals.length === 0);
  if (started.length === 0) return null;
  const limited = BUDGET_NAMES.filter(isDowntimeBudget).flatMap((budget) =>
    report.probeTypes
      .filter(({ name, countsOverall }) => name === BUDGETS[budget].probe && countsOverall)
      .map(({ label }) => ({ budget, label })),
  );
  return (
    <section aria-labelledby="phases-title">
      <h2 id="phases-title">Phases of the upgrade</h2>
      <Table
        stacks
        caption={`Judged by plan ${report.verdict.plan ?? ''}${notStarted.length === 0 ? '' : `; not started, not judged: ${notStarted.map(({ name }) => name).join(', ')}`}.`}
        keyOf={({ name }) => name}
        rows={started}
        columns={[
          { head: 'Phase', cell: ({ name }) => name },
          { head: 'Verdict', cell: verdictOf },
          { head: 'Promise', cell: ({ promise }) => promise },
          { head: 'Started', cell: ({ intervals }) => times.time(Date.parse(intervals[0]?.startedAt ?? '')) },
          {
            head: 'Took',
            figure: true,
            cell: ({ elapsedSeconds }) => (elapsedSeconds === null ? '' : span(elapsedSeconds)),
          },
          ...limited.map(({ budget, label }) => ({
            head: `${capitalised(label)} down`,
            cell: ({ measured }: ApiPhase) => {
              const downtime = measured?.[budget] ?? null;
              return downtime === null ? '' : errorBar(downtime);
            },
          })),
          {
            head: 'Recovered after',
            figure: true,
            cell: ({ recoverySeconds }) => (recoverySeconds === null ? '-' : duration(recoverySeconds.estimate)),
          },
        ]}
      />
      <ul class="budget-list">
        {started.flatMap(({ name, budgets }) =>
          budgets
            .filter(({ result }) => result !== 'pass')
            .map((budget) => (
              <li key={`${name} ${budget.name}`} class={VERDICT_TONES[budget.result]}>
                {name}: {budgetSentence(fromApiBudget(budget))}
              </li>
            )),
        )}
      </ul>
    </section>
  );
}

function verdictOf({ result, running, budgets }: ApiPhase): JSX.Element {
  const words = `${RESULT_WORDS[result ?? 'not-judged']}${running ? ' so far' : ''}`;
  const title = budgets.map(budgetLimit).join('; ');
  return (
    <span class={VERDICT_TONES[result ?? 'not-judged']} title={title}>
      {words}
    </span>
  );
}

/** Lists at most three hosts: a task on compute hosts may have hundreds. */
const shortList = (hosts: readonly string[]): string =>
  hosts.length > 3 ? `${hosts.slice(0, 2).join(', ')} and ${hosts.length - 2} more` : hosts.join(', ');

/** Shows the tasks with downtime attributed to them or overlapping them. */
export function Tasks({ report, times, search }: SectionProps & { readonly search: string }): JSX.Element | null {
  if (report.tasks.length === 0) return null;
  const contains = textFilter(search);
  const tasks = report.tasks.filter(({ name, role, hosts }) => contains([name, role, ...hosts].join('\n')));
  return (
    <section aria-labelledby="tasks-title">
      <h2 id="tasks-title">Tasks with downtime</h2>
      <Table
        stacks
        caption="Downtime of several probes at the same time counts once."
        keyOf={({ id }) => id}
        rows={tasks}
        columns={[
          {
            head: 'Task',
            cell: ({ name, role }) => (role === null || name.startsWith(`${role} : `) ? name : `${role} : ${name}`),
          },
          { head: 'Kind', cell: ({ kind }) => kind },
          { head: 'Hosts', cell: ({ hosts }) => (hosts.length === 0 ? '-' : shortList(hosts)) },
          { head: 'Started', cell: ({ start }) => times.exact(Date.parse(start)) },
          { head: 'Windows', figure: true, cell: ({ windows }) => windows },
          { head: 'Downtime attributed', figure: true, cell: (task) => duration(task.downtimeAttributedSeconds) },
          { head: 'Downtime during', figure: true, cell: (task) => duration(task.downtimeDuringSeconds) },
          { head: 'Source', cell: ({ sources }) => sources.join(', ') },
        ]}
      />
    </section>
  );
}

export function SeriesTable({ report, folds }: Omit<FoldedProps, 'times'>): JSX.Element {
  const nameOf = seriesNames(report);
  return (
    <Fold id="series" title="Downtime and latency by series" folds={folds}>
      <Table
        stacks
        caption="Latency of successful answers; extra samples after a failure are excluded."
        keyOf={nameOf}
        rows={report.probes}
        columns={[
          { head: 'Series', cell: nameOf },
          { head: 'Available', figure: true, cell: (series) => percent(series.availability, series.windows > 0) },
          { head: 'Down', cell: (series) => errorBar(series.downtimeSeconds) },
          { head: 'Windows', figure: true, cell: (series) => series.windows },
          { head: 'Slow', figure: true, cell: (series) => duration(series.degradedSeconds.estimate) },
          { head: 'Unobserved', figure: true, cell: (series) => duration(series.unobservedSeconds) },
          { head: 'ok', figure: true, cell: ({ samples }) => samples.ok },
          { head: 'failed', figure: true, cell: ({ samples }) => samples.failed },
          { head: 'void', figure: true, cell: ({ samples }) => samples.void },
          { head: 'extra', figure: true, cell: ({ samples }) => samples.extra },
          ...(['p50', 'p95', 'p99', 'max'] as const).map((head) => ({
            head,
            figure: true,
            cell: ({ latencySeconds }: ApiReport['probes'][number]) =>
              latencySeconds === null ? '-' : latency(latencySeconds[head]),
          })),
        ]}
      />
    </Fold>
  );
}

/** Shows the checks before and after the upgrade, and lists those that did not pass. */
export function Checks({ report, times }: SectionProps): JSX.Element | null {
  if (report.checks.length === 0) return null;
  return (
    <section aria-labelledby="checks-title">
      <h2 id="checks-title">Checks before and after</h2>
      {report.checks.map(({ stage, cloud, at, ok, checks }) => {
        const reported = checksToReport(checks);
        const passed = checks.filter(({ status }) => status === 'pass').length;
        return (
          <div key={`${stage} ${cloud}`}>
            <p>
              <strong class={ok ? 'good' : 'bad'}>
                {stage}: {ok ? 'pass' : 'FAIL'}
              </strong>{' '}
              <span class="note">
                {cloud}, {times.day(Date.parse(at))}: {passed} of {checks.length} passed
              </span>
            </p>
            {reported.length === 0 ? null : (
              <Table
                caption={`Checks that did not pass ${stage} the upgrade, and Tempest's summary if it ran.`}
                keyOf={({ name }) => name}
                rows={reported}
                columns={[
                  { head: 'Check', cell: ({ name }) => name },
                  {
                    head: 'Result',
                    cell: ({ status, before }) => (
                      <span
                        class={
                          status === 'fail'
                            ? before === 'fail'
                              ? 'warn'
                              : 'bad'
                            : status === 'pass'
                              ? 'good'
                              : 'unknown'
                        }
                      >
                        {status}
                        {status === 'fail' && before === 'fail' ? ', as before' : ''}
                      </span>
                    ),
                  },
                  { head: 'Detail', cell: ({ detail }) => detail },
                ]}
              />
            )}
          </div>
        );
      })}
    </section>
  );
}

/** Shows how much slower answers were in each phase than before the first phase. */
export function Slowdown({ report, folds }: Omit<FoldedProps, 'times'>): JSX.Element | null {
  const nameOf = seriesNames(report);
  const rows = report.phases.flatMap(({ name, series }) =>
    series.filter(({ duringSeconds }) => duringSeconds !== null).map((latencies) => ({ phase: name, latencies })),
  );
  if (rows.length === 0) return null;
  type Row = (typeof rows)[number];
  return (
    <Fold id="slowdown" title="Latency before and during the upgrade" folds={folds}>
      <Table
        caption="Before: from the start of the run to the first phase, without outages."
        keyOf={({ phase, latencies }) => `${phase} ${nameOf(latencies)}`}
        rows={rows}
        columns={[
          { head: 'Phase', cell: ({ phase }) => phase },
          { head: 'Series', cell: ({ latencies }) => nameOf(latencies) },
          ...(['p50', 'p95', 'p99'] as const).map((head) => ({
            head: `${head} before → during`,
            figure: true,
            cell: ({ latencies: { beforeSeconds, duringSeconds } }: Row) => {
              const [before, during] = [beforeSeconds?.[head], duringSeconds?.[head]];
              if (during === undefined) return '-';
              if (before === undefined) return `- → ${latency(during)}`;
              return `${latency(before)} → ${latency(during)}${grown(before, during)}`;
            },
          })),
        ]}
      />
    </Fold>
  );
}

/** Shows what a reader needs to judge the figures or to repeat the measurement. */
export function Method({ report, times, folds }: FoldedProps): JSX.Element {
  const { run, probes, observationGaps, servers } = report;
  const nameOf = seriesNames(report);
  const rows: readonly (readonly [string, string])[] = [
    ['Rollwatch', run.version],
    ['Run', run.id],
    ...probes.map(
      (series) =>
        [
          nameOf(series),
          `every ${duration(series.intervalSeconds)}, slow above ${duration(series.slowSeconds)}`,
        ] as const,
    ),
    ...Object.entries(run.facts),
    ...(run.sessions.length > 1
      ? run.sessions.map((session) => {
          const state = sessionState(run, session);
          const interval = `${times.day(Date.parse(session.startedAt))} to ${times.time(Date.parse(session.endedAt))}`;
          return [`session ${session.id}`, state === '' ? interval : `${interval}, ${state}`] as const;
        })
      : []),
    ...(servers.created > 0
      ? [['Servers', `${servers.created} created, ${servers.deleted} deleted, ${servers.leaked} left behind`] as const]
      : []),
  ];
  return (
    <Fold id="method" title="How it was measured" folds={folds}>
      <dl class="method">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {observationGaps.length === 0 ? null : (
        <details>
          <summary>{counted(observationGaps.length, 'gap')} caused by Rollwatch</summary>
          <ul>
            {observationGaps.slice(0, 50).map((gap) => (
              <li key={`${gap.startedAt} ${gap.kind}`}>
                {times.time(Date.parse(gap.startedAt))}, {duration(gap.durationSeconds)}: {gap.message}
              </li>
            ))}
          </ul>
        </details>
      )}
    </Fold>
  );
}
