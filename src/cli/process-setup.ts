/** Prepares the process before the program is loaded: keeps pipes blocking, reports uncaught errors on one line. */

import { writeSync } from 'node:fs';
import { bugLine } from '../domain/errors.ts';
import { redact } from '../domain/redaction.ts';

/**
 * Node makes a pipe non-blocking when it first accesses process.stdout or stderr, for every process that shares the
 * pipe. In `ansible-playbook ... | rollwatch task follow` in a CI job, Ansible's standard error is the same pipe, and
 * Ansible refuses to start on it ("Ansible requires blocking IO"). Node writes to pipes synchronously anyway.
 */
for (const stream of [process.stdout, process.stderr]) {
  const handle: unknown = Reflect.get(stream, '_handle');
  if (stream.isTTY === true || typeof handle !== 'object' || handle === null || !('setBlocking' in handle)) continue;
  if (typeof handle.setBlocking === 'function') handle.setBlocking(true);
}

/** Reports an uncaught error and exits. Node would print all its members, and an AxiosError contains the password. */
export function exitAfterBug(error: unknown): never {
  // The reader has closed the pipe, as in `rollwatch report | head`.
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') process.exit();
  try {
    writeSync(process.stderr.fd, `rollwatch: this is a bug, please report it: ${redact(bugLine(error))}\n`);
  } catch {
    // Standard error is closed.
  }
  process.exit(1);
}

process.on('uncaughtException', exitAfterBug);
