import type { Flavor } from '../fixtures.ts';
import type { Compute } from '../services.ts';
import type { Change, Server } from './servers.ts';

/** What an action is given, beside the server. */
export type Given = {
  /** The one to resize to. */
  readonly flavor: Flavor | null;
  /** A host of the scheduler's choice. */
  readonly place: () => Compute | null;
};

/** An action of POST /servers/ID/action, as the fake hypervisor does it: at once. */
export type ServerAction = {
  /** The vm_states in which Nova allows it. */
  readonly from: readonly string[];
  readonly taskState: string;
  /** The status that is shown while it is under way, where it is another one than before. */
  readonly meanwhile?: string;
  readonly becomes: (server: Server, given: Given) => Change;
};

const ACTIVE: Change = { status: 'ACTIVE', vmState: 'active', powerState: 1 };
const active = (): Change => ACTIVE;
const running = ['active', 'paused', 'suspended', 'stopped', 'error'];

export const SERVER_ACTIONS: Readonly<Record<string, ServerAction>> = {
  pause: {
    from: ['active'],
    taskState: 'pausing',
    becomes: () => ({ status: 'PAUSED', vmState: 'paused', powerState: 3 }),
  },
  unpause: { from: ['paused'], taskState: 'unpausing', becomes: active },
  suspend: {
    from: ['active'],
    taskState: 'suspending',
    becomes: () => ({ status: 'SUSPENDED', vmState: 'suspended', powerState: 4 }),
  },
  resume: { from: ['suspended'], taskState: 'resuming', becomes: active },
  'os-stop': {
    from: ['active', 'error'],
    taskState: 'powering-off',
    becomes: () => ({ status: 'SHUTOFF', vmState: 'stopped', powerState: 4 }),
  },
  'os-start': { from: ['stopped'], taskState: 'powering-on', becomes: active },
  reboot: { from: running, taskState: 'rebooting', becomes: active },
  shelve: {
    from: ['active', 'paused', 'suspended', 'stopped'],
    taskState: 'shelving',
    becomes: () => ({ status: 'SHELVED_OFFLOADED', vmState: 'shelved_offloaded', powerState: 4, host: null }),
  },
  unshelve: {
    from: ['shelved', 'shelved_offloaded'],
    taskState: 'unshelving',
    becomes: (_server, { place }) => ({ ...ACTIVE, host: place() }),
  },
  rescue: {
    from: ['active', 'stopped', 'error'],
    taskState: 'rescuing',
    becomes: () => ({ status: 'RESCUE', vmState: 'rescued', powerState: 4 }),
  },
  unrescue: { from: ['rescued'], taskState: 'unrescuing', becomes: active },
  resize: {
    from: ['active', 'stopped'],
    taskState: 'resize_prep',
    meanwhile: 'RESIZE',
    becomes: ({ flavor: old, host: oldHost }, { flavor, place }) => ({
      status: 'VERIFY_RESIZE',
      vmState: 'resized',
      powerState: 1,
      host: place(),
      ...(flavor === null ? {} : { flavor }),
      before: { flavor: old, host: oldHost },
    }),
  },
  revertResize: {
    from: ['resized'],
    taskState: 'resize_reverting',
    meanwhile: 'REVERT_RESIZE',
    becomes: ({ before }) => ({ ...ACTIVE, ...before, before: null }),
  },
  confirmResize: { from: ['resized'], taskState: 'resize_confirming', becomes: () => ({ ...ACTIVE, before: null }) },
};
