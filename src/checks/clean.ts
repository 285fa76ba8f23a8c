import { type Check, fail, pass } from '../domain/checks/check.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Limits } from '../openstack/compute.ts';
import { checkServersOf } from './ours.ts';
import { deleteGroup, leftGroups } from './security-groups.ts';
import { waitFor } from './wait.ts';

/** For a server to go, in milliseconds. */
const LIMIT = 120_000;

/** Deletes every server and security group that `check` has made on a cloud, and waits until they are gone. */
export async function cleanUp(cloud: Cloud, vantage: string, options: Limits): Promise<readonly Check[]> {
  const compute = cloud.compute(cloud.http);
  const whole = `clean ${cloud.access.name}`;
  const found = await checkServersOf(cloud, { purpose: null, vantage }, options);
  if (found.type !== 'ok') return [fail(whole, found.cause.message)];
  const groups = await leftGroups(cloud, vantage, options);
  if (groups.type !== 'ok') return [fail(whole, groups.cause.message)];
  if (found.value.length + groups.value.length === 0) return [pass(whole, 'there is nothing of ours')];
  const asked = await Promise.all(found.value.map((server) => compute.delete(server.id, options)));
  const servers = await Promise.all(
    found.value.map(async ({ id, name: server }, index) => {
      const name = `${whole}: ${server}`;
      const one = asked[index];
      if (one !== undefined && one.type !== 'ok') return fail(name, `${id}: ${one.cause.message}`);
      const gone = await waitFor(compute, { id, statuses: [null] }, { ...options, limit: LIMIT });
      return gone.ok ? pass(name, `${id} is gone`) : fail(name, `${id}: ${gone.reason}`);
    }),
  );
  // A group goes only once no server has it any more
  const others = groups.value.map(async ({ id, name }) => {
    const gone = await deleteGroup(cloud, id, options);
    return gone.type === 'ok'
      ? pass(`${whole}: ${name}`, `${id} is gone`)
      : fail(`${whole}: ${name}`, `${id}: ${gone.cause.message}`);
  });
  return [...servers, ...(await Promise.all(others))];
}
