import type { GrafanaSettings } from '../config/grafana-settings.ts';
import { createWanted, runTag } from '../grafana/desired-annotations.ts';
import { startPush } from '../grafana/sync.ts';
import type { Daemon } from './daemon.ts';
import type { Log } from './log.ts';

/**
 * Pushes to Grafana what a daemon knows, until stopped. Begins when the past is known: before, all that stands in
 * Grafana of this run would look as if it were to be removed.
 */
export function pushToGrafana(
  settings: GrafanaSettings,
  { daemon, run, log }: { readonly daemon: Daemon; readonly run: string; readonly log: Log },
): { stop(): Promise<void> } {
  const { tasks, ...access } = settings;
  const wanted = createWanted({ tasks });
  let stopped = false;
  const name = `Grafana at ${access.url}`;
  const started = daemon.replayed.then(() => {
    if (stopped) return null;
    log('info', `pushing windows, ${tasks ? 'tasks and ' : ''}phases to ${name}`);
    return startPush({
      access,
      run: runTag(run),
      wanted: () => wanted({ report: daemon.live().report, annotations: daemon.upgrade.annotations() }),
      onPresence(state) {
        if (state === 'back') log('info', `${name} is back`);
        else log('warn', `${name} is away (${state.away}); it is tried again and again`);
      },
      onRefused: (key, reason) => log('warn', `${name} does not take ${key} (${reason})`),
    });
  });
  return {
    async stop() {
      stopped = true;
      await (await started)?.stop();
    },
  };
}
