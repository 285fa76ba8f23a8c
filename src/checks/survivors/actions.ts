import pLimit from 'p-limit';
import { type Check, fail, type OnProgress, pass, skip } from '../../domain/check.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import { flavorsSchema } from '../../openstack/compute/boot-candidates.ts';
import type { Compute, RequestOptions, ServerAction } from '../../openstack/compute/compute.ts';
import { read } from '../../openstack/rest.ts';
import type { Problem, Result } from '../../openstack/result.ts';
import { createSecurityGroup, deleteTemporarySecurityGroups } from '../resources/security-groups.ts';
import { NEVER_ABORTED, waitForSentRequests, waitForStatus } from '../wait.ts';

const ACTION_TIMEOUT_MS = 120_000;
const CONCURRENT_SERVERS = 4;

type Step = {
  readonly name: string;
  readonly action: ServerAction;
  /** The statuses that the server has once the action is done. */
  readonly statuses: readonly string[];
};

/** Actions that end with the server ACTIVE again. Each round trip is one check. */
type RoundTrip = { readonly name: string; readonly steps: readonly Step[] };

const step = (name: string, action: ServerAction, ...statuses: readonly string[]): Step => ({
  name,
  action,
  statuses,
});

/** Returns the round trips, without the actions that need a security group or a larger flavor if there is none. */
const roundTrips = (group: string | null, largerFlavor: string | null): readonly RoundTrip[] => [
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
  ...(largerFlavor === null
    ? []
    : [
        {
          name: 'resize, revert',
          steps: [
            step('resize', { resize: { flavorRef: largerFlavor } }, 'VERIFY_RESIZE'),
            step('revert', { revertResize: null }, 'ACTIVE'),
          ],
        },
      ]),
];

type ActionTarget = { readonly id: string; readonly name: string; readonly flavor: string };

export type ActionOptions = RequestOptions & {
  readonly cloud: Cloud;
  readonly servers: readonly ActionTarget[];
  readonly vantage: string;
  readonly onCheck: (check: Check) => void;
  readonly onProgress: OnProgress;
};

/**
 * Performs each round trip on each server. Where possible, the servers are ACTIVE again at the end, even after a stop.
 */
export async function checkActions({
  cloud,
  servers,
  vantage,
  onCheck,
  onProgress,
  ...options
}: ActionOptions): Promise<void> {
  const compute = cloud.compute(cloud.http);
  const cleanUpOptions = { timeouts: options.timeouts, signal: NEVER_ABORTED };
  const created = await createSecurityGroup(cloud, { purpose: 'temporary', vantage, port: null, ...options });
  const group = created.type === 'ok' ? created.value : null;
  const noNeutron = isWithoutNeutron(created);
  if (created.type !== 'ok' && !noNeutron)
    onCheck(fail('actions: security group', `it could not be created: ${created.cause.message}`));
  const limit = pLimit(CONCURRENT_SERVERS);
  try {
    await Promise.all(servers.map((server) => limit(() => checkServer(server))));
  } finally {
    if (group === null) await waitForSentRequests(options.signal);
    const remaining = await deleteTemporarySecurityGroups(cloud, { vantage, ...cleanUpOptions });
    if (remaining !== null && !noNeutron)
      onCheck(fail('actions: security group', `${remaining}; run 'rollwatch check clean'`));
  }

  async function checkServer(server: ActionTarget): Promise<void> {
    const largerFlavor = await findLargerFlavor(cloud, server.flavor, options);
    for (const roundTrip of roundTrips(group?.name ?? null, largerFlavor)) {
      if (options.signal.aborted) return;
      onProgress(`actions: ${roundTrip.name} on ${server.name}`);
      onCheck(await checkRoundTrip(server, roundTrip));
    }
  }

  async function checkRoundTrip(server: ActionTarget, { name, steps }: RoundTrip): Promise<Check> {
    const checkName = `actions on ${server.name}: ${name}`;
    for (const [index, current] of steps.entries()) {
      const failure = await perform(server.id, current);
      if (failure === null) continue;
      if (failure.unsupported && index === 0) return skip(checkName, `not supported or not allowed: ${failure.reason}`);
      // Later checks need the server in its original state.
      await waitForSentRequests(options.signal);
      const notRestored = await restoreServer(compute, server.id, cleanUpOptions);
      // Nova rejects this action if the server does not have the group.
      if (group !== null)
        await compute.performAction(server.id, { removeSecurityGroup: { name: group.name } }, cleanUpOptions);
      return fail(
        checkName,
        notRestored === null ? failure.reason : `${failure.reason}; the server could not be restored: ${notRestored}`,
      );
    }
    return pass(checkName, 'the server is ACTIVE again');
  }

  async function perform(
    id: string,
    { name, action, statuses }: Step,
  ): Promise<{ readonly reason: string; readonly unsupported: boolean } | null> {
    const accepted = await compute.performAction(id, action, options);
    if (accepted.type !== 'ok')
      return { reason: `${name}: ${accepted.cause.message}`, unsupported: isUnsupported(accepted) };
    const done = await waitForStatus(compute, { id, statuses }, { ...options, timeoutMs: ACTION_TIMEOUT_MS });
    return done.ok ? null : { reason: `${name}: ${done.reason}`, unsupported: false };
  }
}

const isWithoutNeutron = (created: Result<unknown>): boolean =>
  created.type === 'failed' && created.cause.kind === 'no-endpoint';

const UNSUPPORTED_STATUSES: readonly (number | undefined)[] = [403, 405, 501];

/**
 * Whether an action is forbidden to the user or not supported by the hypervisor: neither is the upgrade's fault. Nova
 * answers with one of `UNSUPPORTED_STATUSES`, or says so in the message.
 */
export const isUnsupported = ({ cause }: Pick<Problem, 'cause'>): boolean =>
  (UNSUPPORTED_STATUSES.includes(cause.status) && cause.service !== 'load-balancer') ||
  /no such action/i.test(cause.message);

/** Returns the id of the next larger flavor to resize to, or null if there is none. */
async function findLargerFlavor(cloud: Cloud, name: string, options: RequestOptions): Promise<string | null> {
  const listed = await read(cloud, { type: 'compute', path: '/flavors/detail' }, flavorsSchema, options);
  if (listed.type !== 'ok') return null;
  const enabled = listed.value.flavors.filter((flavor) => flavor['OS-FLV-DISABLED:disabled'] !== true);
  const current = enabled.find((flavor) => flavor.name === name);
  if (current === undefined) return null;
  const larger = enabled
    .filter(
      (flavor) =>
        flavor.id !== current.id &&
        flavor.vcpus >= current.vcpus &&
        flavor.ram >= current.ram &&
        flavor.disk >= current.disk,
    )
    .toSorted((a, b) => a.disk - b.disk || a.vcpus - b.vcpus || a.ram - b.ram);
  return larger[0]?.id ?? null;
}

/** The action that leads from each status back to ACTIVE. */
const RESTORING_ACTIONS: Readonly<Record<string, ServerAction>> = {
  PAUSED: { unpause: null },
  SUSPENDED: { resume: null },
  SHELVED: { unshelve: null },
  SHELVED_OFFLOADED: { unshelve: null },
  RESCUE: { unrescue: null },
  SHUTOFF: { 'os-start': null },
  VERIFY_RESIZE: { revertResize: null },
};
const ACTIVE = 'ACTIVE';
const RESTORABLE_STATUSES = [ACTIVE, ...Object.keys(RESTORING_ACTIONS)];
const MAX_RESTORING_ACTIONS = 3;

/**
 * Makes a server ACTIVE again after an action that failed: waits until no task is under way, then performs the
 * restoring action. Returns the reason if the server is not ACTIVE, or null.
 */
async function restoreServer(compute: Compute, id: string, options: RequestOptions): Promise<string | null> {
  const waitOptions = { ...options, timeoutMs: ACTION_TIMEOUT_MS };
  for (let actions = 0; ; actions++) {
    const idle = await waitForStatus(compute, { id, statuses: RESTORABLE_STATUSES }, waitOptions);
    if (!idle.ok) return idle.reason;
    const { status } = idle.server;
    const action = RESTORING_ACTIONS[status];
    if (action === undefined) return null;
    if (actions === MAX_RESTORING_ACTIONS) return `its status is still ${status}`;
    const accepted = await compute.performAction(id, action, options);
    if (accepted.type !== 'ok') return accepted.cause.message;
    const active = await waitForStatus(compute, { id, statuses: [ACTIVE] }, waitOptions);
    if (!active.ok && actions === MAX_RESTORING_ACTIONS - 1) return active.reason;
  }
}
