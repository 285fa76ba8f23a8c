import { dirname, join } from 'node:path';
import type { Configuration } from '../config/configuration.ts';
import { type Cloud, openCloud } from '../openstack/cloud.ts';
import { createTimeline, machineClocks } from '../sampler/clock.ts';

/** The key that is made when none is named: for `before` to put into servers, and for `after` to log in with. */
export const keyFileOf = ({ journal }: Configuration): string => join(dirname(journal), 'rollwatch-check.key');

/** A cloud as its user and as its operator sees it, for as long as the work lasts. */
export async function withClouds(
  { access, diagnosis }: Configuration['clouds'][number],
  work: (cloud: Cloud, admin: Cloud | null) => Promise<void>,
): Promise<void> {
  const clock = createTimeline(machineClocks, 500);
  const cloud = openCloud({ access, clock });
  const admin = diagnosis === null ? null : openCloud({ access: diagnosis, clock, gate: cloud.gate });
  try {
    await work(cloud, admin);
  } finally {
    cloud.close();
    admin?.close();
  }
}
