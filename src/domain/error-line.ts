const LONGEST = 300;

/**
 * An error on one line: its name, code and message, and for a bug where it was thrown. Nothing else of it is ever
 * printed: the errors of libraries carry what was sent, with passwords and tokens.
 */
export function errorLine(error: unknown): string {
  if (!(error instanceof Error)) return folded(typeof error === 'string' ? error : `a thrown ${typeof error}`);
  const code = 'code' in error && typeof error.code === 'string' ? ` [${error.code}]` : '';
  return folded(`${error.name}${code}: ${error.message}`);
}

/** The same, with the first line of its stack. */
export function bugLine(error: unknown): string {
  const stack = error instanceof Error && typeof error.stack === 'string' ? error.stack.slice(0, 20_000) : '';
  const frame = stack.split('\n').find((line) => line.startsWith('    at '));
  return frame === undefined ? errorLine(error) : `${errorLine(error)} (${folded(frame)})`;
}

const folded = (text: string): string =>
  text
    .slice(0, LONGEST)
    .replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim();
