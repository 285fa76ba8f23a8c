import { writeSync } from 'node:fs';
import { bugLine } from '../domain/error-line.ts';
import { redact } from '../domain/redaction.ts';

/** What nobody caught is a bug. Node would print the error with all its members, and an AxiosError has the password. */
export function endAfterBug(error: unknown): never {
  // `rollwatch report | head`: nobody reads any more, which is no bug.
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') process.exit();
  try {
    writeSync(process.stderr.fd, `rollwatch: a bug, please report it: ${redact(bugLine(error))}\n`);
  } catch {
    // Nobody reads any more.
  }
  process.exit(1);
}

process.on('uncaughtException', endAfterBug);
