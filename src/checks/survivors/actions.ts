import pLimit from 'p-limit';
import { type Check, fail, pass, skip } from '../../domain/check.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { Limits, ServerAction } from '../../openstack/compute/compute.ts';
import type { Result, Trouble } from '../../openstack/result.ts';
import { createGroup, deleteBriefGroups } from '../resources/security-groups.ts';
import { NEVER, waitFor, waitForStragglers } from '../wait.ts';
import { otherFlavor } from './other-flavor.ts';
import { bringBack } from './restore.ts';

/** For one action to be done, in milliseconds. */
const LIMIT = 120_000;
/** Servers that are acted on at once. */
const AT_ONCE = 4;

type Step = {
  readonly name: string;
  readonly action: ServerAction;
  readonly until: readonly string[];
};

/** Something that is done to a server and undone again: one check. */
type Pair = { readonly name: string; readonly steps: readonly Step[] };

const step = (name: string, action: ServerAction, ...until: readonly string[]): Step => ({ name, action, until });

/** `group` null: nobody can make one. `otherFlavor` null: there is none to resize to. */
const pairs = (group: string | null, otherFlavor: string | null): readonly Pair[] => [
  {
    name: 'pause, unpause',
    steps: [step('pause', { pause: null }, 'PAUSED'), step('unpause', { unpause: null }, 'ACTIVE')],
  },
  {
    name: 'suspend, resume',
    steps: [step('suspend', { suspend: null }, 'SUSPENDED'), step('resume', { resume: null }, 'ACTIVE')],
  },
  {
    name: 'shelve, unshelve',
    steps: [
      step('shelve', { shelve: null }, 'SHELVED_OFFLOADED', 'SHELVED'),
      step('unshelve', { unshelve: null }, 'ACTIVE'),
    ],
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
      step('unrescue', { unrescue: null }, 'ACTIVE'),
    ],
  },
  {
    name: 'stop, start',
    steps: [step('stop', { 'os-stop': null }, 'SHUTOFF'), step('start', { 'os-start': null }, 'ACTIVE')],
  },
  {
    name: 'reboot',
    steps: [
      step('soft reboot', { reboot: { type: 'SOFT' } }, 'ACTIVE'),
      step('hard reboot', { reboot: { type: 'HARD' } }, 'ACTIVE'),
    ],
  },
  ...(otherFlavor === null
    ? []
    : [
        {
          name: 'resize, revert',
          steps: [
            step('resize', { resize: { flavorRef: otherFlavor } }, 'VERIFY_RESIZE'),
            step('revert', { revertResize: null }, 'ACTIVE'),
          ],
        },
      ]),
];

export type ActionOptions = Limits & {
  readonly cloud: Cloud;
  readonly servers: readonly Acted[];
  readonly vantage: string;
  readonly onCheck: (check: Check) => void;
};

type Acted = { readonly id: string; readonly name: string; readonly flavor: string };

/**
 * Does to each server, one after the other, what its owner may do, and undoes it. It is ACTIVE again when this ends, if it
 * can be, also when we are told to stop.
 */
export async function checkActions({ cloud, servers, vantage, onCheck, ...options }: ActionOptions): Promise<void> {
  const compute = cloud.compute(cloud.http);
  const undoing = { limits: options.limits, signal: NEVER };
  const made = await createGroup(cloud, { purpose: 'brief', vantage, port: null, ...options });
  const group = made.type === 'ok' ? made.value : null;
  if (made.type !== 'ok' && !isWithoutNeutron(made))
    onCheck(fail('actions: a security group', `it can't be made: ${made.cause.message}`));
  const limit = pLimit(AT_ONCE);
  try {
    await Promise.all(servers.map((server) => limit(() => tryAll(server))));
  } finally {
    if (group === null) await waitForStragglers(options.signal);
    const left = await deleteBriefGroups(cloud, { vantage, ...undoing });
    if (left !== null && (made.type === 'ok' || !isWithoutNeutron(made)))
      onCheck(fail('actions: a security group', `${left}: rollwatch check clean`));
  }

  async function tryAll(server: Acted): Promise<void> {
    const larger = await otherFlavor(cloud, server.flavor, options);
    for (const pair of pairs(group?.name ?? null, larger)) {
      if (options.signal.aborted) return;
      onCheck(await tryPair(server, pair));
    }
  }

  async function tryPair(server: Acted, { name: what, steps }: Pair): Promise<Check> {
    const name = `actions on ${server.name}: ${what}`;
    let done = 0;
    for (const one of steps) {
      const failed = await perform(server.id, one);
      if (failed === null) {
        done++;
        continue;
      }
      if (failed.cannot && done === 0) return skip(name, `the cloud can't, or does not let us: ${failed.trouble}`);
      // The checks that follow, and the upgrade, want the server as it was
      await waitForStragglers(options.signal);
      const left = await bringBack(compute, server.id, undoing);
      // Refused where it does not have the group
      if (group !== null) await compute.act(server.id, { removeSecurityGroup: { name: group.name } }, undoing);
      return fail(name, left === null ? failed.trouble : `${failed.trouble}; it can't be brought back: ${left}`);
    }
    return pass(name, 'done and undone');
  }

  async function perform(
    id: string,
    { name, action, until }: Step,
  ): Promise<{ readonly trouble: string; readonly cannot: boolean } | null> {
    const asked = await compute.act(id, action, options);
    if (asked.type !== 'ok') return { trouble: `${name}: ${asked.cause.message}`, cannot: isUnable(asked) };
    const done = await waitFor(compute, { id, statuses: until }, { ...options, limit: LIMIT });
    return done.ok ? null : { trouble: `${name}: ${done.reason}`, cannot: false };
  }
}

const isWithoutNeutron = (made: Result<unknown>): boolean =>
  made.type === 'failed' && made.cause.kind === 'no-endpoint';

/** Forbidden to us, or nothing that this hypervisor does: Nova's API says the one by status, the other by status or in words. */
const UNABLE: readonly (number | undefined)[] = [403, 405, 501];

/** It is not for us, or not for this hypervisor: nothing that an upgrade broke, if it was so before. */
export const isUnable = ({ cause }: Pick<Trouble, 'cause'>): boolean =>
  (UNABLE.includes(cause.status) && cause.service !== 'load-balancer') || /no such action/i.test(cause.message);
