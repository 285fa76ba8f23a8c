import { randomUUID } from 'node:crypto';
import type { Millis } from '../../domain/time.ts';
import type { Processes } from '../faults/processes.ts';
import { COMPUTES, type ComputeService, hostOf } from '../services.ts';

/** A row of Nova's `services` table. */
export type FakeServiceRecord = {
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

/** A compute node. It has the same id in Nova and in Placement. */
export type ComputeNode = {
  readonly id: string;
  readonly compute: ComputeService;
  readonly service: FakeServiceRecord;
};

/** Services and compute nodes, as Nova and Placement know them. */
export type HostRecords = {
  readonly services: readonly FakeServiceRecord[];
  readonly nodes: readonly ComputeNode[];
  /** Whether the host is up and enabled, so that the scheduler uses it. */
  acceptsServers(compute: ComputeService): boolean;
};

export function createHostRecords(processes: Pick<Processes, 'isUp' | 'isReportedUp' | 'reportedAt'>): HostRecords {
  const record = (
    number: number,
    fields: Pick<FakeServiceRecord, 'binary' | 'host' | 'zone' | 'up' | 'reportedAt'>,
  ): FakeServiceRecord => ({
    ...fields,
    number,
    id: randomUUID(),
    enabled: true,
    disabledReason: null,
  });
  const control = (['nova-conductor', 'nova-scheduler'] as const).map((binary, index) =>
    record(index + 1, {
      ...{ binary, host: 'controller', zone: 'internal' },
      up: () => processes.isUp(binary),
      reportedAt: () => processes.reportedAt(binary),
    }),
  );
  const nodes = COMPUTES.map((compute, index) => {
    const up = () => processes.isReportedUp(compute);
    const reportedAt = () => processes.reportedAt(compute);
    const fields = { binary: 'nova-compute', host: hostOf(compute), zone: 'nova', up, reportedAt };
    return { id: randomUUID(), compute, service: record(control.length + index + 1, fields) };
  });
  return {
    services: [...control, ...nodes.map(({ service }) => service)],
    nodes,
    acceptsServers: (compute) =>
      processes.isReportedUp(compute) && nodes.some((node) => node.compute === compute && node.service.enabled),
  };
}

/** The maximum number of servers of each project. */
export type Quota = {
  of(projectId: string): number;
  set(projectId: string, instances: number): void;
  /** Sets the limit of every project. */
  setDefault(instances: number): void;
};

export function createQuota(instances: number): Quota {
  let defaultLimit = instances;
  const limits = new Map<string, number>();
  return {
    of: (projectId) => limits.get(projectId) ?? defaultLimit,
    set: (projectId, limit) => limits.set(projectId, limit),
    setDefault(limit) {
      defaultLimit = limit;
      limits.clear();
    },
  };
}

export type KeyPair = { readonly name: string; readonly public_key: string; readonly fingerprint: string };

export type KeyPairs = {
  /** Returns the key pairs of a user by name. */
  of(userId: string): Map<string, KeyPair>;
};

export function createKeyPairs(): KeyPairs {
  const users = new Map<string, Map<string, KeyPair>>();
  return {
    of(userId) {
      const keyPairs = users.get(userId) ?? new Map<string, KeyPair>();
      users.set(userId, keyPairs);
      return keyPairs;
    },
  };
}

export type ServerGroup = {
  readonly id: string;
  readonly name: string;
  readonly policy: string;
  readonly projectId: string;
  readonly userId: string;
};

/** Server groups by id. */
export type ServerGroups = Map<string, ServerGroup>;

export const createServerGroups = (): ServerGroups => new Map();
