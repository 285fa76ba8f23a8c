import type { Settings } from '../config/settings.ts';
import { errorLine } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import type { OnConnectionChange } from '../domain/run/connection-status.ts';
import { createAnsibleParser } from '../task-sources/ansible-parser.ts';
import { followAra } from '../task-sources/ara/follow-ara.ts';
import { followFile } from '../task-sources/follow-file.ts';
import { followRunUpgrade } from '../task-sources/run-upgrade/follow-run-upgrade.ts';
import type { Daemon } from './daemon.ts';
import { logConnection } from './log.ts';

/**
 * ARA and run-upgrade also report tasks from this long before the start of the daemon, which may start during the
 * upgrade. A log is followed from its end.
 */
const LOOK_BACK_MS = 3_600_000;

/** Follows every configured source of tasks until `signal` aborts. */
export function startTaskSources(
  settings: Settings['upgrade'],
  { daemon, log, signal }: { readonly daemon: Daemon; readonly log: Log; readonly signal: AbortSignal },
): void {
  const { ansibleLog, ansibleLogZone, ara, runUpgrade } = settings;
  const { upgrade } = daemon;
  const startedAt = daemon.now();
  const common = { signal, onTask: upgrade.task, since: startedAt - LOOK_BACK_MS };

  const follow = (name: string, start: (onConnectionChange: OnConnectionChange) => Promise<void>): void => {
    log('info', `following ${name}`);
    start(logConnection(name, log)).catch((error: unknown) => {
      log('error', `stopped following ${name}: ${errorLine(error)}`);
    });
  };

  if (ansibleLog !== null) {
    const parser = createAnsibleParser({ zone: ansibleLogZone });
    const onLine = (line: string) => {
      for (const task of parser.line(line)) upgrade.task(task);
      for (const note of parser.notes()) log('warn', `${ansibleLog}: ${note}`);
    };
    follow(ansibleLog, () =>
      followFile(ansibleLog, {
        signal,
        onLine,
        onOpen: (from) => log('debug', `reading ${ansibleLog} from its ${from}`),
      }),
    );
  }
  if (ara !== null) {
    const { interval, ...access } = ara;
    follow(`ARA at ${access.url}`, (onConnectionChange) =>
      followAra(access, { ...common, onConnectionChange, pollInterval: interval }),
    );
  }
  if (runUpgrade !== null) {
    follow(runUpgrade, (onConnectionChange) =>
      followRunUpgrade(runUpgrade, { ...common, onConnectionChange, followingSince: startedAt }),
    );
  }
}
