import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { type Check, fail, pass, skip } from '../../domain/check.ts';

/** Only the end of a log is read. */
const MAX_LOG_BYTES = 64 * 1024 * 1024;

/** What the log of a Nova service shows about the compute RPC version that its processes use. */
export type PinLog = {
  /** Its path. */
  readonly file: string;
  /**
   * The choice with the least service version since the processes were last started or reloaded. Each worker chooses
   * when it first calls a nova-compute, and keeps that version. Null if none has chosen since.
   */
  readonly choice: { readonly rpc: string; readonly serviceVersion: number } | null;
  readonly renewed: 'started' | 'reloaded' | null;
  /** The version of the installed package, which the service logs when it starts. */
  readonly code: string | null;
};

export const emptyPinLog = (file: string): PinLog => ({ file, choice: null, renewed: null, code: null });

const CHOICE_PATTERN =
  /Automatically selected compute RPC version ([\d.]{1,20}) from minimum service version (\d{1,6})/;
const START_PATTERN = /Starting \S{1,40} node \(version ([\w.+~-]{1,60})\)/;
/** nova-compute logs this after a SIGHUP. nova-conductor does not, and keeps its RPC version. */
const RELOAD_TEXT = 'Reloading compute RPC API';

/** Returns the log with one more line. */
export function withLogLine(log: PinLog, line: string): PinLog {
  const [, rpc, version] = CHOICE_PATTERN.exec(line) ?? [];
  if (rpc !== undefined) {
    const serviceVersion = Number(version);
    const hasLower = log.choice !== null && log.choice.serviceVersion < serviceVersion;
    return hasLower ? log : { ...log, choice: { rpc, serviceVersion } };
  }
  const [, code] = START_PATTERN.exec(line) ?? [];
  if (code !== undefined) return { ...log, choice: null, renewed: 'started', code };
  return line.includes(RELOAD_TEXT) ? { ...log, choice: null, renewed: 'reloaded' } : log;
}

const fileName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const isApi = (path: string): boolean => /api|metadata/.test(fileName(path));
const isConductor = (path: string): boolean => fileName(path).includes('conductor');

const NO_LOGS =
  "Nova's API and databases do not show whether the SIGHUP was sent and every nova-conductor restarted: set checks.nova_logs to Nova's logs, or search them yourself";

/**
 * Checks that no service still uses the old RPC version. `greatest` is the greatest service version in the databases.
 */
export function checkPins(logs: readonly PinLog[], greatest: number): readonly Check[] {
  if (logs.length === 0) return [skip('database: pin lifted', NO_LOGS)];
  return logs.map(({ file, choice, renewed, code }) => {
    const checkName = `database: pin lifted: ${file}`;
    const codeText = code === null ? '' : ` (${code})`;
    if (choice === null) {
      if (renewed === null) return skip(checkName, 'no line shows which RPC version it uses');
      return pass(checkName, `${renewed}${codeText} since it last chose an RPC version, so it will choose again`);
    }
    const rpcText = `compute RPC ${choice.rpc}, chosen for service version ${choice.serviceVersion}`;
    if (choice.serviceVersion >= greatest) return pass(checkName, `uses ${rpcText}${codeText}`);
    // A uWSGI server does not log that it was reloaded.
    if (isApi(file))
      return skip(checkName, `used ${rpcText}; this may have changed, as an API may be reloaded without a log line`);
    const remedy = isConductor(file)
      ? 'restart it, because a SIGHUP does not lift the pin'
      : 'send it a SIGHUP, or restart it';
    return fail(checkName, `still uses ${rpcText}, but the services are at version ${greatest}${codeText}: ${remedy}`);
  });
}

/** Reads logs of Nova's services and checks that no service still uses the old RPC version. */
export async function checkNovaLogs(
  files: readonly string[],
  { greatest, signal }: { readonly greatest: number; readonly signal: AbortSignal },
): Promise<readonly Check[]> {
  if (files.length === 0) return checkPins([], greatest);
  const checks: Check[] = [];
  for (const file of files) {
    const result = await readPinLog(file, signal);
    if (result.ok) checks.push(...checkPins([result.log], greatest));
    else checks.push(skip(`database: pin lifted: ${file}`, `cannot be read: ${result.reason}`));
  }
  return checks;
}

type PinLogResult = { readonly ok: true; readonly log: PinLog } | { readonly ok: false; readonly reason: string };

async function readPinLog(file: string, signal: AbortSignal): Promise<PinLogResult> {
  let log = emptyPinLog(file);
  try {
    const stats = await stat(file);
    if (!stats.isFile()) return { ok: false, reason: 'not a file' };
    const stream = createReadStream(file, { start: Math.max(0, stats.size - MAX_LOG_BYTES), end: stats.size, signal });
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) log = withLogLine(log, line);
    return { ok: true, log };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown error' };
  }
}
