import type { Log } from '../ports.ts';
import { type Sample, seriesId } from '../sample.ts';

/**
 * Called when a polled source becomes unreachable, for each further poll that fails (`again`), and when it is reachable
 * again.
 */
export type OnConnectionChange = (state: { readonly problem: string; readonly again: boolean } | 'back') => void;

/** Turns the results of polls into changes. */
export type ConnectionStatus = {
  succeeded(): void;
  failed(reason: string): void;
};

/** Reports each failed poll, and the first good one after them. */
export function createConnectionStatus(onChange: OnConnectionChange): ConnectionStatus {
  let isUnreachable = false;
  return {
    succeeded() {
      if (isUnreachable) onChange('back');
      isUnreachable = false;
    },
    failed(reason) {
      onChange({ problem: reason, again: isUnreachable });
      isUnreachable = true;
    },
  };
}

/**
 * Logs when the quota leaves no room for the server of a probe, so that its state is unknown, and when there is room in
 * the quota again.
 */
export function createQuotaWatch(log: Log): (sample: Sample) => void {
  const statuses = new Map<string, ConnectionStatus>();
  return (sample) => {
    const probe = `${sample.probe} of ${sample.cloud}`;
    const status =
      statuses.get(seriesId(sample)) ??
      createConnectionStatus((state) => {
        if (state === 'back') log('info', `${probe}: the quota has room again`);
        else if (!state.again)
          log('warn', `${probe}: unknown, as the quota leaves no room for a test server: ${state.problem}`);
      });
    statuses.set(seriesId(sample), status);
    if (sample.outcome !== 'void') status.succeeded();
    else if (sample.cause.kind === 'quota') status.failed(sample.cause.message);
  };
}
