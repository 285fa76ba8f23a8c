import type { Refusal } from '../domain/refusal.ts';

/** Where a command writes, and what it may write there. Results go to `out`, everything else to `err`. */
export type Output = {
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
  /** Columns of a terminal, or 100. */
  readonly width: number;
  /** Results may have colour: a terminal, and NO_COLOR (https://no-color.org) is not set. */
  readonly colour: boolean;
};

export const processOutput = (): Output => ({
  out: process.stdout,
  err: process.stderr,
  width: process.stdout.columns ?? 100,
  colour: process.stdout.isTTY === true && (process.env['NO_COLOR'] ?? '') === '',
});

/** Writes a whole text, and waits until it is through: a pipe takes 64 kB at a time, and exit() drops the rest. */
export function print(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(text.endsWith('\n') ? text : `${text}\n`, () => resolve());
  });
}

export const refusalLine = (refusal: Refusal): string =>
  `rollwatch: ${refusal.message.replaceAll(/(?<!\s)\s*\n\s*/g, ' ')}`;
