import type { Change } from './servers.ts';

/** An action of POST /servers/ID/action, as the fake hypervisor does it: at once. */
export type ServerAction = {
  /** The vm_states in which Nova allows it. */
  readonly from: readonly string[];
  readonly taskState: string;
  readonly becomes: Change;
};

const active: Change = { status: 'ACTIVE', vmState: 'active', powerState: 1 };
const running = ['active', 'paused', 'suspended', 'stopped', 'error'];

export const SERVER_ACTIONS: Readonly<Record<string, ServerAction>> = {
  pause: { from: ['active'], taskState: 'pausing', becomes: { status: 'PAUSED', vmState: 'paused', powerState: 3 } },
  unpause: { from: ['paused'], taskState: 'unpausing', becomes: active },
  suspend: {
    from: ['active'],
    taskState: 'suspending',
    becomes: { status: 'SUSPENDED', vmState: 'suspended', powerState: 4 },
  },
  resume: { from: ['suspended'], taskState: 'resuming', becomes: active },
  'os-stop': {
    from: ['active', 'error'],
    taskState: 'powering-off',
    becomes: { status: 'SHUTOFF', vmState: 'stopped', powerState: 4 },
  },
  'os-start': { from: ['stopped'], taskState: 'powering-on', becomes: active },
  reboot: { from: running, taskState: 'rebooting', becomes: active },
};
