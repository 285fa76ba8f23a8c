import type { Group } from '../checks/run.ts';

export type CheckFlags = {
  readonly config?: string;
  readonly journal?: string;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
  readonly format: 'text' | 'json' | 'junit';
  readonly only?: readonly Group[];
  readonly keep?: number;
  /** True: without a regex. */
  readonly tempest?: string | true;
  readonly tempestWorkspace?: string;
};
