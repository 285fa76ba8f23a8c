import { type Sample, seriesId } from '../sample.ts';

/** Called when a polled source becomes unreachable, and when it is reachable again. */
export type OnConnectionChange = (state: { readonly problem: string } | 'back') => void;

/** Turns the results of polls into changes. */
export type ConnectionStatus = {
  succeeded(): void;
  failed(reason: string): void;
};

/** Reports the first failed poll of several in a row, and the first good one after them. */
export function createConnectionStatus(onChange: OnConnectionChange): ConnectionStatus {
  let isAway = false;
  return {
    succeeded() {
      if (isAway) onChange('back');
      isAway = false;
    },
    failed(reason) {
      if (!isAway) onChange({ problem: reason });
      isAway = true;
    },
  };
}

/**
 * Logs when the quota leaves no room for the server of a probe, so that its state is unknown, and when that is over.
 */
export function createQuotaWatch(log: (level: 'info' | 'warn', message: string) => void): (sample: Sample) => void {
  const statuses = new Map<string, ConnectionStatus>();
  return (sample) => {
    const probe = `${sample.probe} of ${sample.cloud}`;
    const status =
      statuses.get(seriesId(sample)) ??
      createConnectionStatus((state) =>
        state === 'back'
          ? log('info', `${probe}: the quota has room again`)
          : log('warn', `${probe}: unknown, as the quota leaves no room for a test server: ${state.problem}`),
      );
    statuses.set(seriesId(sample), status);
    if (sample.outcome !== 'void') status.succeeded();
    else if (sample.cause.kind === 'quota') status.failed(sample.cause.message);
  };
}
