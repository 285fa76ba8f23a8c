import { z } from 'zod';
import { ERROR_BODY_LIMIT } from './body-limits.ts';
import type { HttpAnswer } from './http-message.ts';
import { parseJson } from './json.ts';

const message = z.string();
/** Nova's, and Placement's older one. */
const novaSchema = z.object({ itemNotFound: z.looseObject({ message }) }).transform((one) => one.itemNotFound.message);
const neutronSchema = z
  .object({ NeutronError: z.looseObject({ type: z.string().regex(/NotFound$/), message }) })
  .transform((one) => one.NeutronError.message);
const keystoneSchema = z
  .object({ error: z.looseObject({ code: z.literal(404), message }) })
  .transform((one) => one.error.message);
const schema = z.union([novaSchema, neutronSchema, keystoneSchema]);

const UUID = /[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}/i;
/** What Nova and Neutron say of a path that they don't have: it says nothing about a resource. */
const NO_PATH = /^The resource could not be found/i;

/**
 * Whether a service itself says that it has no resource of this id. A 404 alone does not: an ingress or load balancer
 * without a backend gives it for every path, and so does a service for a path that it doesn't have. Nova names the id,
 * but not in its answer to a DELETE that comes too late ('Instance could not be found').
 */
export function saysNotFound({ status, body }: Pick<HttpAnswer, 'status' | 'body'>, id: string): boolean {
  if (status !== 404 || body.length > ERROR_BODY_LIMIT) return false;
  const read = schema.safeParse(parseJson(body));
  if (!read.success || NO_PATH.test(read.data)) return false;
  return read.data.includes(id) || !UUID.test(read.data);
}
