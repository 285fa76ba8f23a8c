import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { type Check, skip } from '../../domain/check.ts';
import { checkPins, emptyPinLog, type PinLog, withLogLine } from '../services/pins.ts';

/** Of a log its end is read, in bytes. */
const TAIL = 64 * 1024 * 1024;

/** Whether anything still speaks the old RPC version, as far as the logs of Nova that can be read here tell. */
export async function checkNovaLogs(
  files: readonly string[],
  { greatest, signal }: { readonly greatest: number; readonly signal: AbortSignal },
): Promise<readonly Check[]> {
  if (files.length === 0) return checkPins([], greatest);
  const checks: Check[] = [];
  for (const file of files) {
    const log = await readLog(file, signal);
    if (typeof log === 'string') checks.push(skip(`database: pin lifted: ${file}`, `it cannot be read: ${log}`));
    else checks.push(...checkPins([log], greatest));
  }
  return checks;
}

/** A text: why it can't be read. */
async function readLog(file: string, signal: AbortSignal): Promise<PinLog | string> {
  let log = emptyPinLog(file);
  try {
    const found = await stat(file);
    if (!found.isFile()) return 'it is no file';
    const stream = createReadStream(file, { start: Math.max(0, found.size - TAIL), end: found.size, signal });
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) log = withLogLine(log, line);
    return log;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown';
  }
}
