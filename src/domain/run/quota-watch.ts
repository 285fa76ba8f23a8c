import type { Log } from '../log.ts';
import { type Sample, seriesId } from '../sample.ts';
import { type ConnectionStatus, createConnectionStatus } from './connection-status.ts';

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
        if (state === 'recovered') log('info', `${probe}: the quota has room again`);
        else if (!state.again)
          log('warn', `${probe}: unknown, as the quota leaves no room for a test server: ${state.problem}`);
      });
    statuses.set(seriesId(sample), status);
    if (sample.outcome !== 'void') status.succeeded();
    else if (sample.cause.kind === 'quota') status.failed(sample.cause.message);
  };
}
