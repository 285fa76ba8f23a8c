const MAX_LENGTH = 300;
/** Limits the search for the first frame of a stack. */
const MAX_STACK_LENGTH = 20_000;

/**
 * Formats an error as one line: name, code and message. Other properties are never printed, as the errors of libraries
 * include requests with passwords and tokens.
 */
export function errorLine(error: unknown): string {
  if (!(error instanceof Error)) return singleLine(typeof error === 'string' ? error : `a thrown ${typeof error}`);
  const code = 'code' in error && typeof error.code === 'string' ? ` [${error.code}]` : '';
  return singleLine(`${error.name}${code}: ${error.message}`);
}

/** Like `errorLine`, with the first frame of the stack. */
export function bugLine(error: unknown): string {
  const stack = error instanceof Error && typeof error.stack === 'string' ? error.stack.slice(0, MAX_STACK_LENGTH) : '';
  const frame = stack.split('\n').find((line) => line.startsWith('    at '));
  return frame === undefined ? errorLine(error) : `${errorLine(error)} (${singleLine(frame)})`;
}

const singleLine = (text: string): string =>
  text
    .slice(0, MAX_LENGTH)
    .replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim();
