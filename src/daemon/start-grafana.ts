import type { GrafanaSettings } from '../config/grafana-settings.ts';
import type { Log } from '../domain/log.ts';
import { createDesiredAnnotations, runTag } from '../grafana/desired-annotations.ts';
import { startGrafanaSync } from '../grafana/sync.ts';
import type { Daemon } from './daemon.ts';
import { logConnection } from './log.ts';

/**
 * Pushes windows, tasks and phases to Grafana until stopped. Starts when the journal has been replayed: a push before
 * that would delete all annotations of earlier sessions.
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
