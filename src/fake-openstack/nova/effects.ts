import { unexpected } from '../faults/fault.ts';
import { type Effect, type Operation, outage, type RowName } from '../faults/outages.ts';
import type { Processes } from '../faults/processes.ts';
import type { Truth } from '../faults/truth.ts';
import type { Answer } from '../http/answer.ts';
import { moment } from '../moment.ts';
import type { Pace } from '../time-scale.ts';

/** What the table of outages does to a request that nova-api has in hand. */
export type NovaEffects = {
  /** Takes the request's time; an answer takes the place of the right one. */
  before(
    operation: Operation,
    options: { usual: number; servers: number; signal: AbortSignal },
  ): Promise<Answer | null>;
  /** Hands over to the message queue: without a broker that lasts until it is back, and keeps the worker all the time. */
  cast(signal: AbortSignal): Promise<void>;
};

const CONSULTED = ['mariadb', 'neutron', 'glance', 'keystone', 'memcached'] as const satisfies readonly RowName[];

export function createNovaEffects(options: {
  readonly processes: Processes;
  readonly pace: Pace;
  readonly truth: Truth;
  readonly workers: number;
}): NovaEffects {
  const { processes, pace, truth, workers } = options;
  let hanging = 0;
  let free: (at: number) => void = () => {};

  const effects = (operation: Operation, servers: number): readonly Effect[] =>
    CONSULTED.filter((name) => !processes.up(name))
      .map((name) => outage(name)[operation])
      .filter((effect): effect is Effect => effect !== undefined)
      .filter((effect) => !('with' in effect) || servers > 0);

  return {
    async before(operation, { usual, servers, signal }) {
      const found = effects(operation, servers);
      const failure = found.find((effect) => effect.answer === 500);
      if (failure?.answer === 500) {
        await pace.wait(failure.after, signal);
        return unexpected(failure.exception);
      }
      const late = found.reduce(
        (most, effect) => (effect.answer === 'late' ? Math.max(most, effect.after) : most),
        usual,
      );
      await pace.wait(late, signal);
      return null;
    },
    async cast(signal) {
      const { conditions } = processes;
      if (conditions.holds('broker of the API')) return;
      hanging++;
      if (hanging === workers) {
        free = truth.begin({
          what: 'every worker of nova-api waits for the message queue',
          service: 'nova-api',
          kind: 'workers-hang',
          from: moment(),
          apiDown: true,
        });
      }
      try {
        await conditions.when(['broker of the API'], signal);
      } finally {
        if (hanging === workers) free(moment());
        hanging--;
      }
    },
  };
}
