import type { Flavor } from '../fixtures.ts';
import type { ComputeService } from '../services.ts';
import type { FakeServer, ServerChange } from './servers.ts';

export type ActionContext = {
  /** The target of a resize. */
  readonly flavor: Flavor | null;
  /** Lets the scheduler choose a host. */
  readonly chooseHost: () => ComputeService | null;
};

/** An action of POST /servers/ID/action, which Nova's fake driver completes at once. */
export type FakeServerAction = {
  /** The values of `vm_state` in which Nova allows the action. */
  readonly allowedVmStates: readonly string[];
  readonly taskState: string;
  /** The status while the action is in progress, if it differs from the one before. */
  readonly statusMeanwhile?: string;
  readonly result: (server: FakeServer, context: ActionContext) => ServerChange;
};

const ACTIVE: ServerChange = { status: 'ACTIVE', vmState: 'active', powerState: 1 };
const toActive = (): ServerChange => ACTIVE;
const REBOOTABLE = ['active', 'paused', 'suspended', 'stopped', 'error'];

export const SERVER_ACTIONS: Readonly<Record<string, FakeServerAction>> = {
  pause: {
    allowedVmStates: ['active'],
    taskState: 'pausing',
    result: () => ({ status: 'PAUSED', vmState: 'paused', powerState: 3 }),
  },
  unpause: { allowedVmStates: ['paused'], taskState: 'unpausing', result: toActive },
  suspend: {
    allowedVmStates: ['active'],
    taskState: 'suspending',
    result: () => ({ status: 'SUSPENDED', vmState: 'suspended', powerState: 4 }),
  },
  resume: { allowedVmStates: ['suspended'], taskState: 'resuming', result: toActive },
  'os-stop': {
    allowedVmStates: ['active', 'error'],
    taskState: 'powering-off',
    result: () => ({ status: 'SHUTOFF', vmState: 'stopped', powerState: 4 }),
  },
  'os-start': { allowedVmStates: ['stopped'], taskState: 'powering-on', result: toActive },
  reboot: { allowedVmStates: REBOOTABLE, taskState: 'rebooting', result: toActive },
  shelve: {
    allowedVmStates: ['active', 'paused', 'suspended', 'stopped'],
    taskState: 'shelving',
    result: () => ({ status: 'SHELVED_OFFLOADED', vmState: 'shelved_offloaded', powerState: 4, host: null }),
  },
  unshelve: {
    allowedVmStates: ['shelved', 'shelved_offloaded'],
    taskState: 'unshelving',
    result: (_server, { chooseHost }) => ({ ...ACTIVE, host: chooseHost() }),
  },
  rescue: {
    allowedVmStates: ['active', 'stopped', 'error'],
    taskState: 'rescuing',
    result: () => ({ status: 'RESCUE', vmState: 'rescued', powerState: 4 }),
  },
  unrescue: { allowedVmStates: ['rescued'], taskState: 'unrescuing', result: toActive },
  resize: {
    allowedVmStates: ['active', 'stopped'],
    taskState: 'resize_prep',
    statusMeanwhile: 'RESIZE',
    result: ({ flavor: old, host: oldHost }, { flavor, chooseHost }) => ({
      status: 'VERIFY_RESIZE',
      vmState: 'resized',
      powerState: 1,
      host: chooseHost(),
      ...(flavor === null ? {} : { flavor }),
      beforeResize: { flavor: old, host: oldHost },
    }),
  },
  revertResize: {
    allowedVmStates: ['resized'],
    taskState: 'resize_reverting',
    statusMeanwhile: 'REVERT_RESIZE',
    result: ({ beforeResize }) => ({ ...ACTIVE, ...beforeResize, beforeResize: null }),
  },
  confirmResize: {
    allowedVmStates: ['resized'],
    taskState: 'resize_confirming',
    result: () => ({ ...ACTIVE, beforeResize: null }),
  },
};
