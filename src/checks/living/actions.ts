import { type Check, fail, pass, skip } from '../../domain/checks/check.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { Limits, ServerAction } from '../../openstack/compute.ts';
import type { Trouble } from '../../openstack/result.ts';
import { createGroup, deleteGroup } from '../security-groups.ts';
import { waitFor } from '../wait.ts';
import { otherFlavor } from './other-flavor.ts';

/** For one action to be done, in milliseconds. */
const LIMIT = 120_000;

/** What was made is taken away again also when we are told to stop. */
const NEVER = new AbortController().signal;

type Step = {
  readonly name: string;
  readonly action: ServerAction;
  readonly until: readonly string[];
};

/** Something that is done to a server and undone again: one check. */
type Pair = { readonly name: string; readonly steps: readonly Step[]; readonly undo: readonly Step[] };

const step = (name: string, action: ServerAction, ...until: readonly string[]): Step => ({ name, action, until });

const UNRESCUE = step('unrescue', { unrescue: null }, 'ACTIVE');
const START = step('start', { 'os-start': null }, 'ACTIVE');
const REVERT = step('revert', { revertResize: null }, 'ACTIVE');

/** `group` null: nobody can make one. `otherFlavor` null: there is none to resize to. */
const pairs = (group: string | null, otherFlavor: string | null): readonly Pair[] => [
  {
    name: 'pause, unpause',
    steps: [step('pause', { pause: null }, 'PAUSED'), step('unpause', { unpause: null }, 'ACTIVE')],
    undo: [step('unpause', { unpause: null }, 'ACTIVE')],
  },
  {
    name: 'suspend, resume',
    steps: [step('suspend', { suspend: null }, 'SUSPENDED'), step('resume', { resume: null }, 'ACTIVE')],
    undo: [step('resume', { resume: null }, 'ACTIVE')],
  },
  {
    name: 'shelve, unshelve',
    steps: [
      step('shelve', { shelve: null }, 'SHELVED_OFFLOADED', 'SHELVED'),
      step('unshelve', { unshelve: null }, 'ACTIVE'),
    ],
    undo: [step('unshelve', { unshelve: null }, 'ACTIVE')],
  },
  {
    name: 'rescue, security group on and off, unrescue',
    steps: [
      step('rescue', { rescue: null }, 'RESCUE'),
      ...(group === null
        ? []
        : [
            step('add the security group', { addSecurityGroup: { name: group } }, 'RESCUE'),
            step('remove the security group', { removeSecurityGroup: { name: group } }, 'RESCUE'),
          ]),
      UNRESCUE,
    ],
    undo: [UNRESCUE],
  },
  { name: 'stop, start', steps: [step('stop', { 'os-stop': null }, 'SHUTOFF'), START], undo: [START] },
  {
    name: 'reboot',
    steps: [
      step('soft reboot', { reboot: { type: 'SOFT' } }, 'ACTIVE'),
      step('hard reboot', { reboot: { type: 'HARD' } }, 'ACTIVE'),
    ],
    undo: [],
  },
  ...(otherFlavor === null
    ? []
    : [
        {
          name: 'resize, revert',
          steps: [step('resize', { resize: { flavorRef: otherFlavor } }, 'VERIFY_RESIZE'), REVERT],
          undo: [REVERT],
        },
      ]),
];

export type ActionOptions = Limits & {
  readonly cloud: Cloud;
  readonly server: { readonly id: string; readonly name: string };
  readonly vantage: string;
  readonly flavor: string;
};

/** Does to a server, one after the other, what its owner may do, and undoes it. It is ACTIVE again when this ends, if it can be. */
export async function checkActions({
  cloud,
  server,
  vantage,
  flavor,
  ...options
}: ActionOptions): Promise<readonly Check[]> {
  const compute = cloud.compute(cloud.http);
  const checks: Check[] = [];
  const larger = await otherFlavor(cloud, flavor, options);
  const made = await createGroup(cloud, { purpose: 'brief', vantage, port: null, ...options });
  const group = made.type === 'ok' ? made.value : null;
  if (made.type !== 'ok' && made.cause.kind !== 'no-endpoint') {
    checks.push(fail(`actions on ${server.name}: a security group`, `it can't be made: ${made.cause.message}`));
  }
  try {
    for (const pair of pairs(group?.name ?? null, larger)) {
      checks.push(await tryPair(pair));
      if (options.signal.aborted) break;
    }
  } finally {
    const gone = group === null ? null : await deleteGroup(cloud, group.id, { limits: options.limits, signal: NEVER });
    if (group !== null && gone !== null && gone.type !== 'ok')
      checks.push(
        fail(`actions on ${server.name}: a security group`, `${group.name} can't be deleted: ${gone.cause.message}`),
      );
  }
  return checks;

  async function tryPair({ name: what, steps, undo }: Pair): Promise<Check> {
    const name = `actions on ${server.name}: ${what}`;
    let done = 0;
    for (const one of steps) {
      const failed = await perform(one);
      if (failed === null) {
        done++;
        continue;
      }
      if (failed.cannot && done === 0) return skip(name, `the cloud can't, or does not let us: ${failed.trouble}`);
      // what was begun is undone as far as it goes: the checks that follow want the server as it was
      for (const step of undo) await perform(step);
      return fail(name, failed.trouble);
    }
    return pass(name, 'done and undone');
  }

  async function perform({
    name,
    action,
    until,
  }: Step): Promise<{ readonly trouble: string; readonly cannot: boolean } | null> {
    const asked = await compute.act(server.id, action, options);
    if (asked.type !== 'ok') return { trouble: `${name}: ${asked.cause.message}`, cannot: isUnable(asked) };
    const done = await waitFor(compute, { id: server.id, statuses: until }, { ...options, limit: LIMIT });
    return done.ok ? null : { trouble: `${name}: ${done.reason}`, cannot: false };
  }
}

/** Forbidden to us, or nothing that this hypervisor does: Nova's API says the one by status, the other by status or in words. */
const UNABLE: readonly (number | undefined)[] = [403, 405, 501];

/** It is not for us, or not for this hypervisor: nothing that an upgrade broke, if it was so before. */
export const isUnable = ({ cause }: Pick<Trouble, 'cause'>): boolean =>
  UNABLE.includes(cause.status) || /no such action/i.test(cause.message);
