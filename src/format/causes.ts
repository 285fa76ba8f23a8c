import type { FailureKind, Service, VoidKind } from '../domain/cause.ts';

type Failure = { readonly kind: FailureKind | VoidKind; readonly service: Service };

/** Describes a cause: 'connection-refused (nova-api)'. */
export const causeLabel = ({ kind, service }: Failure): string => `${kind} (${service})`;

/** Lists causes: '10 connection-refused (nova-api), 2 http-503 (load-balancer)'. */
export const causeCounts = (causes: readonly (Failure & { readonly count: number })[]): string =>
  causes.map((cause) => `${cause.count} ${causeLabel(cause)}`).join(', ');
