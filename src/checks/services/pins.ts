import { type Check, fail, pass, skip } from '../../domain/check.ts';

/** What a log of a Nova service tells of the RPC version that its processes speak to nova-compute. */
export type PinLog = {
  /** Its path. */
  readonly file: string;
  /**
   * The choice for the least service version since the processes were started or reloaded last: each worker chooses by itself,
   * when it first calls a nova-compute, and keeps to it. Null: none was made since.
   */
  readonly choice: { readonly rpc: string; readonly serviceVersion: number } | null;
  readonly renewed: 'started' | 'reloaded' | null;
  /** Of the installed package, as the service wrote it at its start. */
  readonly code: string | null;
};

export const emptyPinLog = (file: string): PinLog => ({ file, choice: null, renewed: null, code: null });

const CHOSE = /Automatically selected compute RPC version ([\d.]{1,20}) from minimum service version (\d{1,6})/;
const STARTED = /Starting \S{1,40} node \(version ([\w.+~-]{1,60})\)/;
/** nova-compute writes it at a SIGHUP; nova-conductor doesn't, and keeps its version. */
const RELOADED = 'Reloading compute RPC API';

/** The log with one line more. */
export function withLogLine(log: PinLog, line: string): PinLog {
  const [, rpc, version] = CHOSE.exec(line) ?? [];
  if (rpc !== undefined) {
    const serviceVersion = Number(version);
    const older = log.choice !== null && log.choice.serviceVersion < serviceVersion;
    return older ? log : { ...log, choice: { rpc, serviceVersion } };
  }
  const [, code] = STARTED.exec(line) ?? [];
  if (code !== undefined) return { ...log, choice: null, renewed: 'started', code };
  return line.includes(RELOADED) ? { ...log, choice: null, renewed: 'reloaded' } : log;
}

/** A uWSGI server that is reloaded leaves no line that says so. */
const isApi = (file: string): boolean => /api|metadata/.test(file.slice(file.lastIndexOf('/') + 1));
const isConductor = (file: string): boolean => file.slice(file.lastIndexOf('/') + 1).includes('conductor');

const LOOK_THERE =
  "neither Nova's API nor its databases tell whether the SIGHUP was given and every nova-conductor restarted: name Nova's logs as checks.nova_logs, or look there";

/** After the SIGHUP: does anything still speak the old version? `greatest` is the greatest service version in the databases. */
export function checkPins(logs: readonly PinLog[], greatest: number): readonly Check[] {
  if (logs.length === 0) return [skip('database: pin lifted', LOOK_THERE)];
  return logs.map(({ file, choice, renewed, code }) => {
    const name = `database: pin lifted: ${file}`;
    const runs = code === null ? '' : ` (${code})`;
    if (choice === null) {
      if (renewed === null) return skip(name, 'no line of it tells which RPC version is spoken');
      return pass(name, `${renewed}${runs} since it chose an RPC version last, so it will choose anew`);
    }
    const spoken = `compute RPC ${choice.rpc}, chosen for service version ${choice.serviceVersion}`;
    if (choice.serviceVersion >= greatest) return pass(name, `it speaks ${spoken}${runs}`);
    if (isApi(file))
      return skip(
        name,
        `it has spoken ${spoken}; an API may be reloaded without a line, so whether it was since can't be told`,
      );
    const remedy = isConductor(file) ? 'restart it, as a SIGHUP does not lift it' : 'give it the SIGHUP, or restart it';
    return fail(name, `it still speaks ${spoken}, and ${greatest} is the version of the services${runs}: ${remedy}`);
  });
}
