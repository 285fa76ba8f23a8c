import { z } from 'zod';
import { type Check, fail, pass, skip } from '../../domain/check.ts';
import { listOf } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { RequestOptions } from '../../openstack/compute/compute.ts';
import { problemFromFailure } from '../../openstack/diagnosis/classify.ts';
import { versionsUrl } from '../../openstack/diagnosis/ping.ts';
import { parseResponse } from '../../openstack/rest.ts';

const CHECK_NAME = 'services: microversion of nova-api';

/** Usually enough to reach every nova-api behind a load balancer. */
const REQUESTS = 6;

const versionsSchema = z.object({
  versions: listOf(z.looseObject({ version: z.string().nullish() })),
});

export type Microversions =
  | { readonly ok: true; readonly found: readonly string[] }
  | { readonly ok: false; readonly reason: string };

/**
 * Reads the greatest microversion from the version document of Nova's API several times. Returns the distinct values:
 * more than one if nova-api processes of different releases answer. Needs no token.
 */
export async function readMicroversions(
  { session, http }: Pick<Cloud, 'session' | 'http'>,
  options: RequestOptions,
): Promise<Microversions> {
  const endpoint = session.endpoint('compute');
  if (endpoint === null) return { ok: false, reason: 'the catalogue has no compute endpoint' };
  const found = new Set<string>();
  for (let request = 0; request < REQUESTS; request++) {
    const headers = { Accept: 'application/json', 'User-Agent': 'rollwatch' };
    const sent = await http.send({ method: 'GET', url: versionsUrl(endpoint), headers, ...options });
    if (sent.type === 'failure') return { ok: false, reason: problemFromFailure(sent, 'nova-api').cause.message };
    // Several versions of an API may be shown as 300 Multiple Choices.
    const response = sent.status === 300 ? { ...sent, status: 200 } : sent;
    const document = parseResponse(response, 'nova-api', versionsSchema);
    if (document.type !== 'ok') return { ok: false, reason: document.cause.message };
    const greatest = greatestMicroversion(document.value.versions.map(({ version }) => version ?? ''));
    if (greatest === null) return { ok: false, reason: 'the version document has no microversion' };
    found.add(greatest);
  }
  return { ok: true, found: [...found] };
}

/**
 * Checks that all nova-api processes have the same microversion, no lower than before. A new release usually has a
 * higher one.
 * `before` is null if unknown.
 */
export function checkMicroversions(now: Microversions, before: readonly string[] | null): Check {
  if (!now.ok) return skip(CHECK_NAME, now.reason);
  const { found } = now;
  const [greatest, greatestBefore] = [greatestMicroversion(found), greatestMicroversion(before ?? [])];
  if (found.length > 1)
    return fail(
      CHECK_NAME,
      `varies between ${found.toSorted(byMicroversion).join(' and ')}: nova-api of different releases answer, upgrade and restart all of them`,
    );
  if (greatest === null) return skip(CHECK_NAME, 'unknown');
  if (greatestBefore === null) return pass(CHECK_NAME, greatest);
  if (greatestBefore === greatest) return pass(CHECK_NAME, `${greatest}, as before`);
  const change = `${greatest}, was ${greatestBefore} before`;
  return byMicroversion(greatest, greatestBefore) > 0
    ? pass(CHECK_NAME, change)
    : fail(CHECK_NAME, `${change}: an older nova-api answers`);
}

/** Returns the greatest of the microversions, or null. Ignores texts that are not like '2.93'. */
const greatestMicroversion = (texts: readonly string[]): string | null =>
  texts
    .filter((text) => /^\d{1,6}\.\d{1,6}$/.test(text))
    .toSorted(byMicroversion)
    .at(-1) ?? null;

function byMicroversion(a: string, b: string): number {
  const [major = 0, minor = 0] = a.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = b.split('.').map(Number);
  return major - otherMajor || minor - otherMinor;
}
