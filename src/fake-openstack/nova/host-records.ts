import { randomUUID } from 'node:crypto';
import type { Millis } from '../../domain/time.ts';
import type { Processes } from '../faults/processes.ts';
import { COMPUTES, type Compute, hostOf } from '../services.ts';

/** A row of Nova's `services` table. */
export type ServiceRecord = {
  readonly id: string;
  readonly number: number;
  readonly binary: string;
  readonly host: string;
  readonly zone: string;
  readonly up: () => boolean;
  readonly reportedAt: () => Millis;
  enabled: boolean;
  disabledReason: string | null;
};

/** A compute node, of the same id in Nova and in Placement. */
export type Node = { readonly id: string; readonly compute: Compute; readonly service: ServiceRecord };

/** What Nova and Placement know of hosts. */
export type HostRecords = {
  readonly services: readonly ServiceRecord[];
  readonly nodes: readonly Node[];
  /** Up and enabled: the scheduler sends servers there. */
  takesServers(compute: Compute): boolean;
};

export function createHostRecords(processes: Pick<Processes, 'up' | 'alive' | 'reportedAt'>): HostRecords {
  const record = (
    number: number,
    place: Pick<ServiceRecord, 'binary' | 'host' | 'zone' | 'up' | 'reportedAt'>,
  ): ServiceRecord => ({
    ...place,
    number,
    id: randomUUID(),
    enabled: true,
    disabledReason: null,
  });
  const control = (['nova-conductor', 'nova-scheduler'] as const).map((binary, index) =>
    record(index + 1, {
      ...{ binary, host: 'controller', zone: 'internal' },
      up: () => processes.up(binary),
      reportedAt: () => processes.reportedAt(binary),
    }),
  );
  const nodes = COMPUTES.map((compute, index) => {
    const up = () => processes.alive(compute);
    const reportedAt = () => processes.reportedAt(compute);
    const place = { binary: 'nova-compute', host: hostOf(compute), zone: 'nova', up, reportedAt };
    return { id: randomUUID(), compute, service: record(control.length + index + 1, place) };
  });
  return {
    services: [...control, ...nodes.map(({ service }) => service)],
    nodes,
    takesServers: (compute) =>
      processes.alive(compute) && nodes.some((one) => one.compute === compute && one.service.enabled),
  };
}
