/** Connects a daemon to other systems: follows the configured sources of tasks, and pushes annotations to Grafana. */

import type { GrafanaSettings } from '../config/grafana-settings.ts';
import type { Settings } from '../config/settings.ts';
import { errorLine } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import type { OnConnectionChange } from '../domain/run/connection-status.ts';
import { createDesiredAnnotations, runTag } from '../grafana/desired-annotations.ts';
import { startGrafanaSync } from '../grafana/sync.ts';
import { followAra } from '../task-sources/ara/follow-ara.ts';
import { createAnsibleParser } from '../task-sources/detect.ts';
import { followFile } from '../task-sources/follow-file.ts';
import { followRunUpgrade } from '../task-sources/run-upgrade/follow-run-upgrade.ts';
import type { Daemon } from './daemon.ts';

/** Tasks that were reported this long before the start are included, for a daemon that starts during the upgrade. */
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

/**
 * Pushes windows, tasks and phases to Grafana until stopped. Starts when the journal has been replayed: before, it
 * would delete all annotations of earlier sessions.
 */
export function startGrafana(
  settings: GrafanaSettings,
  { daemon, run, log }: { readonly daemon: Daemon; readonly run: string; readonly log: Log },
): { stop(): Promise<void> } {
  const { tasks, ...access } = settings;
  const desiredAnnotations = createDesiredAnnotations({ tasks });
  let isStopped = false;
  const name = `Grafana at ${access.url}`;
  const started = daemon.replayed.then(() => {
    if (isStopped) return null;
    log('info', `pushing windows${tasks ? ', tasks' : ''} and phases to ${name}`);
    return startGrafanaSync({
      access,
      runTag: runTag(run),
      desired() {
        const { at, report } = daemon.live();
        const annotations = daemon.upgrade.annotations();
        return desiredAnnotations({
          report: { ...report, verdict: daemon.verdict(at), tasks: tasks ? daemon.tasks(at) : [] },
          annotations,
        });
      },
      onConnectionChange: logConnection(name, log),
      onRejected: (key, reason) => log('warn', `${name} rejected ${key}: ${reason}`),
    });
  });
  return {
    async stop() {
      isStopped = true;
      await (await started)?.stop();
    },
  };
}

const logConnection =
  (name: string, log: Log): OnConnectionChange =>
  (state) => {
    if (state === 'recovered') log('info', `${name} is available again`);
    else if (state.again) log('debug', `${name} is still unavailable (${state.problem}); retrying`);
    else log('warn', `${name} is unavailable (${state.problem}); retrying`);
  };
