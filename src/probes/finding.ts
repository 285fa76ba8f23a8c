import type { ProbeResult } from '../domain/ports.ts';
import type { Result } from '../openstack/result.ts';

/** What one request says: it stands for the moment at which it was sent. */
export function findingOf(result: Result<unknown>): ProbeResult {
  const { stages, requestId, sentAt, settledAt } = result;
  const place = { stages, requestId, serverId: null };
  switch (result.type) {
    case 'ok':
      return { ...place, outcome: 'ok', cause: null, upUntil: sentAt, settledAt };
    case 'failed':
      return {
        ...place,
        outcome: 'failed',
        cause: result.cause,
        upUntil: null,
        brokeAt: sentAt,
        settledAt,
        hung: result.hung,
      };
    case 'void':
      return { ...place, outcome: 'void', cause: result.cause, slots: 1 };
  }
}
