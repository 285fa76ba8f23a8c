import { redact } from './redaction.ts';

/**
 * Whether Rollwatch is ready to watch an upgrade, in one respect. `warn`: it can watch, but something is likely to
 * surprise; `skip`: it was not checked.
 */
export type Readiness = {
  readonly name: string;
  readonly status: 'pass' | 'warn' | 'fail' | 'skip';
  /** One line: what was found. */
  readonly detail: string;
  /** One line: what to do; null if there is nothing to do. */
  readonly advice: string | null;
  /** The exit code that this asks for: 2 to correct a setting or credentials, 3 if something cannot be reached. */
  readonly exitCode: 0 | 1 | 2 | 3;
};

/** What was found, without what it means. */
type Details = { readonly name: string; readonly detail: string };

/** Redacts the texts, as they may quote the cloud. */
const create = (
  { name, detail }: Details,
  { advice = null, ...rest }: Pick<Readiness, 'status' | 'exitCode'> & { readonly advice?: string | null },
): Readiness => ({ name, detail: redact(detail), advice: advice === null ? null : redact(advice), ...rest });

export const ready = (name: string, detail: string): Readiness =>
  create({ name, detail }, { status: 'pass', exitCode: 0 });

export const notChecked = (name: string, detail: string): Readiness =>
  create({ name, detail }, { status: 'skip', exitCode: 0 });

export const questionable = (name: string, detail: string, advice: string): Readiness =>
  create({ name, detail }, { status: 'warn', advice, exitCode: 0 });

export const notReady = (
  name: string,
  detail: string,
  { advice, exitCode = 1 }: { readonly advice: string; readonly exitCode?: 1 | 2 | 3 },
): Readiness => create({ name, detail }, { status: 'fail', advice, exitCode });

/** Returns the exit code of several checks: mistakes to correct come before what cannot be reached. */
export const readinessExitCode = (all: readonly Readiness[]): Readiness['exitCode'] =>
  ([2, 3, 1] as const).find((code) => all.some(({ exitCode }) => exitCode === code)) ?? 0;
