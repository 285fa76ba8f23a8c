import { writeSync } from 'node:fs';

const STDOUT = 1;
/** Between two tries where a reader is slow, in milliseconds. */
const AGAIN = 10;

/**
 * Writes a line to standard output without Node's stream, which would make the pipe non-blocking for whoever shares it:
 * Ansible's standard error is often the same. A reader who has gone is none of our business.
 */
export function passOn(line: string): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(STDOUT, rest));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      if (code === 'EPIPE') return;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN);
    }
  }
}
