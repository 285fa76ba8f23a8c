import { now, type TimeScale } from '../clock.ts';
import { unexpectedApiError } from '../faults/http-faults.ts';
import type { OutageLog } from '../faults/outage-log.ts';
import { type ApiEffect, type ApiOperation, type OutageName, outage } from '../faults/outage-table.ts';
import type { Processes } from '../faults/processes.ts';
import type { RouteResponse } from '../http/routes.ts';

/** The effects of current outages on requests that nova-api handles. */
export type OutageEffects = {
  /** Waits as long as the request takes. Returns the response that replaces the normal one, or null. */
  before(
    operation: ApiOperation,
    options: { seconds: number; servers: number; signal: AbortSignal },
  ): Promise<RouteResponse | null>;
  /** Sends a message to the broker. While nova-api has no connection to the broker, the call blocks its worker. */
  cast(signal: AbortSignal): Promise<void>;
};

const DEPENDENCIES = ['mariadb', 'neutron', 'glance', 'keystone', 'memcached'] as const satisfies readonly OutageName[];

export function createOutageEffects(options: {
  readonly processes: Processes;
  readonly timeScale: TimeScale;
  readonly outageLog: OutageLog;
  readonly workers: number;
}): OutageEffects {
  const { processes, timeScale, outageLog, workers } = options;
  let hanging = 0;
  let endOutage: (at: number) => void = () => {};

  const effects = (operation: ApiOperation, servers: number): readonly ApiEffect[] =>
    DEPENDENCIES.filter((name) => !processes.isUp(name))
      .map((name) => outage(name)[operation])
      .filter((effect): effect is ApiEffect => effect !== undefined)
      .filter((effect) => effect.kind !== 'error' || effect.needsServer !== true || servers > 0);

  return {
    async before(operation, { seconds, servers, signal }) {
      const found = effects(operation, servers);
      const failure = found.find((effect) => effect.kind === 'error');
      if (failure?.kind === 'error') {
        await timeScale.wait(failure.afterSeconds, signal);
        return unexpectedApiError(failure.exception);
      }
      const slowest = found.reduce(
        (most, effect) => (effect.kind === 'slow' ? Math.max(most, effect.seconds) : most),
        seconds,
      );
      await timeScale.wait(slowest, signal);
      return null;
    },
    async cast(signal) {
      const { downComponents } = processes;
      if (!downComponents.has('nova-api broker connection')) return;
      hanging++;
      if (hanging === workers) {
        endOutage = outageLog.begin({
          what: 'every worker of nova-api waits for the message queue',
          service: 'nova-api',
          kind: 'workers-hang',
          from: now(),
          apiDown: true,
        });
      }
      try {
        await downComponents.whenClear(['nova-api broker connection'], signal);
      } finally {
        if (hanging === workers) endOutage(now());
        hanging--;
      }
    },
  };
}
