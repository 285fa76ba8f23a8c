/**
 * What the user must put right before we can go on: shown as one line, without a stack trace.
 * `exitCode` 2: usage or configuration; 3: something that we need cannot be reached.
 * The message says what is wrong, where (file, key, value) and what would be right; it never holds a secret.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly exitCode: 2 | 3;

  constructor(message: string, exitCode: 2 | 3 = 2) {
    super(message);
    this.exitCode = exitCode;
  }
}
