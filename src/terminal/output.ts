import type { UserError } from '../domain/errors.ts';
import { redact } from '../domain/redaction.ts';
import { printable, printableLine } from '../format/printable.ts';

/**
 * The only file that writes to standard output and error (a test ensures this). It escapes control characters in all
 * text, so that no text from elsewhere can control the terminal.
 */

/** `isTTY` and `columns` are set for a terminal. */
type Stream = {
  write(text: string, onWritten?: () => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
};

export type Sink = {
  readonly stream: Stream;
  /** Whether the colour codes of reports are passed through. */
  readonly colour: boolean;
};

/** Results go to `out`, everything else to `err`. */
export type Output = {
  readonly out: Sink;
  readonly err: Sink;
  /** The number of columns of the terminal; Infinity for a file or pipe, where lines are never cut. */
  readonly width: number;
  /** Whether reports are coloured; see `isColoured`. */
  readonly colour: boolean;
};

export const COLOUR_CHOICES = ['auto', 'always', 'never'] as const;
export type ColourChoice = (typeof COLOUR_CHOICES)[number];

export function processOutput(choice: ColourChoice = 'auto'): Output {
  const colour = isColoured(choice, { env: process.env, isTerminal: process.stdout.isTTY === true });
  return {
    out: { stream: process.stdout, colour },
    err: { stream: process.stderr, colour: false },
    width: process.stdout.isTTY === true ? knownColumns(process.stdout.columns) : Number.POSITIVE_INFINITY,
    colour,
  };
}

type ColourEnvironment = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
};

/**
 * Decides whether to colour. The user's choice counts first, then FORCE_COLOR (https://force-color.org; 0 and false mean
 * no colour, as in Node), then NO_COLOR (https://no-color.org), then whether standard output is a terminal.
 */
export function isColoured(choice: ColourChoice, { env, isTerminal }: ColourEnvironment): boolean {
  if (choice !== 'auto') return choice === 'always';
  const { FORCE_COLOR: forced = '', NO_COLOR: refused = '' } = env;
  if (forced !== '') return forced !== '0' && forced !== 'false';
  return refused === '' && isTerminal;
}

const ESCAPE = '\u001b';
/** The codes of src/report/text/paint.ts: bold, dim, red, green, yellow, and the end of each. */
const COLOUR_CODES = new RegExp(`(${ESCAPE}\\[(?:1|2|22|31|32|33|39)m)`);
const CLEAR_LINE = `\r${ESCAPE}[2K`;

/** The last line of the terminal. Text is printed above it. */
let statusLine: { readonly stream: Stream; readonly line: string } | null = null;

/** Prints a text and waits until it is written: a pipe takes 64 KiB at a time, and exit() drops the rest. */
export function print({ stream, colour }: Sink, text: string): Promise<void> {
  const parts = colour ? text.split(COLOUR_CODES) : [text];
  const safe = parts.map((part, index) => (index % 2 === 1 ? part : printable(part))).join('');
  // Standard output and error may be the same terminal.
  const status = stream.isTTY === true ? statusLine : null;
  status?.stream.write(CLEAR_LINE);
  return new Promise((resolve) => {
    stream.write(safe.endsWith('\n') ? safe : `${safe}\n`, () => resolve());
    status?.stream.write(status.line);
  });
}

export const isTerminal = ({ stream }: Sink): boolean => stream.isTTY === true;

/** Replaces the status line of a terminal; an empty text removes it. */
export function redrawStatusLine({ stream }: Sink, text: string): void {
  const line = printableLine(text);
  statusLine = line === '' ? null : { stream, line };
  stream.write(CLEAR_LINE + line);
}

/** Returns the current number of columns of a terminal. */
export const columnsOf = ({ stream }: Sink): number | undefined =>
  stream.columns === undefined ? undefined : knownColumns(stream.columns);

/** A terminal that does not know its size, such as a serial console, reports 0 columns. */
const knownColumns = (columns: number): number => (columns === 0 ? 80 : columns);

export const userErrorLine = (error: UserError): string => `rollwatch: ${printableLine(redact(error.message))}`;
