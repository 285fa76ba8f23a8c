import { PREFIX, type Purpose } from '../../domain/check-resources.ts';
import { isCheckServer } from '../../domain/ownership.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { Limits } from '../../openstack/compute/compute.ts';
import type { Server } from '../../openstack/compute/server-body.ts';
import type { Result } from '../../openstack/result.ts';

/** All servers of ours in the project. */
export async function checkServersOf(
  cloud: Cloud,
  wanted: { readonly purpose: Purpose | null; readonly vantage: string | null },
  options: Limits,
): Promise<Result<readonly Server[]>> {
  const all = await cloud.compute(cloud.http).named(PREFIX, options);
  return all.type === 'ok' ? { ...all, value: all.value.filter((one) => isCheckServer(one, wanted)) } : all;
}
