import type { Settings } from '../config/settings.ts';
import { errorLine } from '../domain/error-line.ts';
import type { Upgrade } from '../domain/ports.ts';
import type { Presence } from '../domain/run/connection-status.ts';
import type { Millis } from '../domain/time.ts';
import { followAra } from '../task-sources/ara/follow-ara.ts';
import { createAnsibleParser } from '../task-sources/detect.ts';
import { followFile } from '../task-sources/follow-file.ts';
import { followRunUpgrade } from '../task-sources/run-upgrade/follow-run-upgrade.ts';
import type { Log } from './log.ts';

type Sinks = {
  readonly upgrade: Upgrade;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly now: () => Millis;
};

/** Whoever begins to watch when the upgrade has begun already, is told of what went on for so long before. */
const LOOK_BACK = 3_600_000;

/** Follows every source of tasks that is configured, until `signal` aborts. */
export function followUpgrade(settings: Settings['upgrade'], sinks: Sinks): void {
  const { ansibleLog, ansibleLogZone, ara, runUpgrade } = settings;
  const { upgrade, log, signal, now } = sinks;
  const from = now();
  const common = { signal, onTask: upgrade.task, since: from - LOOK_BACK };

  const follow = (name: string, begin: (onPresence: Presence) => Promise<void>): void => {
    log('info', `following ${name}`);
    const onPresence: Presence = (state) => {
      if (state === 'back') log('info', `${name} is back`);
      else log('warn', `${name} is away (${state.away}); it is tried again and again`);
    };
    begin(onPresence).catch((error: unknown) => {
      log('error', `${name} is followed no more: ${errorLine(error)}`);
    });
  };

  if (ansibleLog !== null) {
    const parser = createAnsibleParser({ zone: ansibleLogZone });
    const onLine = (line: string) => {
      for (const task of parser.line(line)) upgrade.task(task);
      for (const note of parser.notes()) log('warn', `${ansibleLog}: ${note}`);
    };
    follow(ansibleLog, () => followFile(ansibleLog, { signal, onLine }));
  }
  if (ara !== null) {
    const { interval, ...access } = ara;
    follow(`ARA at ${access.url}`, (onPresence) => followAra(access, { ...common, onPresence, interval }));
  }
  if (runUpgrade !== null) {
    follow(runUpgrade, (onPresence) => followRunUpgrade(runUpgrade, { ...common, onPresence, followedFrom: from }));
  }
}
