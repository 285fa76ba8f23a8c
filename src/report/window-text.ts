import type { DowntimeWindow } from '../domain/downtime/window.ts';
import type { Bracket } from '../domain/time.ts';
import { counted } from '../format/quantities.ts';
import type { Moments } from './moments.ts';

/** '07:15:00.000 (-0.500 +0.500 s)' */
export const edgeText = ({ earliest, estimate, latest }: Bracket, moments: Moments): string =>
  `${moments.exact(estimate)} (-${margin(estimate - earliest)} +${margin(latest - estimate)} s)`;

/** Rounds up, so that the printed bracket contains the computed one. */
const margin = (millis: number): string => (Math.ceil(Math.max(0, millis) - 1e-6) / 1000).toFixed(3);

/** '12 failed samples: connection-refused by nova-api (10), http-503 by load-balancer (2)' */
export function causesText({ kind, causes, failedSamples }: DowntimeWindow): string {
  if (kind === 'degraded') return counted(failedSamples, 'slow sample');
  const each = causes.map((one) => `${one.kind} by ${one.service}${causes.length > 1 ? ` (${one.count})` : ''}`);
  return `${counted(failedSamples, 'failed sample')}: ${each.join(', ')}`;
}

/** 'open, provisional', or nothing. */
export const windowState = ({ end, provisional }: DowntimeWindow): string =>
  [...(end === null ? ['open'] : []), ...(provisional ? ['provisional'] : [])].join(', ');
