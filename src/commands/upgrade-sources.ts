import type { Settings } from '../config/settings.ts';
import type { Upgrade } from '../domain/ports.ts';
import { createAnsibleParser } from '../upgrade/detect.ts';
import { followFile } from '../upgrade/follow.ts';
import type { Log } from './log.ts';

/** Follows every source of tasks that is configured, until `signal` aborts. */
export function followUpgrade(
  { ansibleLog, ansibleLogZone }: Settings['upgrade'],
  { upgrade, log, signal }: { readonly upgrade: Upgrade; readonly log: Log; readonly signal: AbortSignal },
): void {
  if (ansibleLog === null) return;
  const parser = createAnsibleParser({ zone: ansibleLogZone });
  const onLine = (line: string) => {
    for (const task of parser.line(line)) upgrade.task(task);
  };
  log('info', `following ${ansibleLog}`);
  followFile(ansibleLog, { signal, onLine }).catch((error: unknown) => {
    log('error', `${ansibleLog} is followed no more: ${error instanceof Error ? error.message : error}`);
  });
}
