import type { CheckReport, CheckStatus, Stage } from '../domain/check.ts';
import { iso } from '../domain/time.ts';
import { type TempestSummary, tempestSummary } from '../format/tempest.ts';

/** What was found at one stage, as JSON shows it. */
export type ChecksFace = {
  readonly stage: Stage;
  readonly cloud: string;
  readonly vantage: string;
  readonly at: string;
  /** Nothing fails that did not fail before. */
  readonly ok: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly status: CheckStatus;
    readonly detail: string;
    /** As it was before the upgrade; null where it was not checked then. */
    readonly before: CheckStatus | null;
    /** How long it took; null where that was not measured. */
    readonly seconds: number | null;
  }[];
  /** What Tempest's tests came to, which are among the checks; null: none was run. */
  readonly tempest: TempestSummary | null;
};

export const checksFace = ({ at, ok, checks, stage, cloud, vantage }: CheckReport): ChecksFace => ({
  stage,
  cloud,
  vantage,
  at: iso(at),
  ok,
  checks: checks.map(({ name, status, detail, before, seconds = null }) => ({ name, status, detail, before, seconds })),
  tempest: tempestSummary(checks),
});
