import { redact } from '../domain/redaction.ts';
import type { Refusal } from '../domain/user-error.ts';
import { printable, printableLine } from '../format/printable.ts';

/**
 * Where the program prints: the one place that writes to standard output and error (a test holds this). Whatever the
 * text was made of, no control character of others reaches the terminal from here.
 */
export type Sink = {
  readonly stream: NodeJS.WriteStream;
  /** The colours of a report pass. */
  readonly colour: boolean;
};

/** Where a command writes, and what it may write there. Results go to `out`, everything else to `err`. */
export type Output = {
  readonly out: Sink;
  readonly err: Sink;
  /** Columns of a terminal; Infinity in a file or pipe, where nothing needs cutting. */
  readonly width: number;
  /** Results may have colour: a terminal, and NO_COLOR (https://no-color.org) is not set. */
  readonly colour: boolean;
};

export function processOutput(): Output {
  const colour = process.stdout.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
  return {
    out: { stream: process.stdout, colour },
    err: { stream: process.stderr, colour: false },
    width: process.stdout.isTTY === true ? process.stdout.columns : Number.POSITIVE_INFINITY,
    colour,
  };
}

const ESCAPE = '\u001b';
/** What src/report/paint.ts makes: bold, dim, red, green, yellow, and the end of each. */
const COLOURS = new RegExp(`(${ESCAPE}\\[(?:1|2|22|31|32|33|39)m)`);
const CLEAR_LINE = `\r${ESCAPE}[2K`;

/** The line at the foot of the terminal. Whatever is printed meanwhile goes above it. */
let foot: { readonly stream: NodeJS.WriteStream; readonly line: string } | null = null;

/** Writes a whole text, and waits until it is through: a pipe takes 64 kB at a time, and exit() drops the rest. */
export function print({ stream, colour }: Sink, text: string): Promise<void> {
  const parts = colour ? text.split(COLOURS) : [text];
  const safe = parts.map((part, index) => (index % 2 === 1 ? part : printable(part))).join('');
  // Standard output and error are the same terminal, and both are written to at once
  const below = stream.isTTY === true ? foot : null;
  below?.stream.write(CLEAR_LINE);
  return new Promise((resolve) => {
    stream.write(safe.endsWith('\n') ? safe : `${safe}\n`, () => resolve());
    below?.stream.write(below.line);
  });
}

export const isTerminal = ({ stream }: Sink): boolean => stream.isTTY === true;

/** Replaces the line at the foot of a terminal, and leaves the cursor behind it; an empty one takes it away. */
export function redraw({ stream }: Sink, text: string): void {
  const line = printableLine(text);
  foot = line === '' ? null : { stream, line };
  stream.write(CLEAR_LINE + line);
}

/** Columns of a terminal as it is now. */
export const columnsOf = ({ stream }: Sink): number | undefined => stream.columns;

export const refusalLine = (refusal: Refusal): string => `rollwatch: ${printableLine(redact(refusal.message))}`;
