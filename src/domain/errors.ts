/**
 * A problem that the user has to fix, shown as one line without a stack trace.
 * `exitCode` 2: usage or configuration; 3: something cannot be reached.
 * The message says what is wrong, where (file, key, value) and how to fix it. It never contains a secret.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode: 2 | 3;

  constructor(message: string, exitCode: 2 | 3 = 2) {
    super(message);
    this.exitCode = exitCode;
  }
}

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

/** Formats an error like `errorLine`, with the first frame of the stack. */
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
