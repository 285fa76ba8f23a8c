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
