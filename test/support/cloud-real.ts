import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import type { CloudAccess } from './cloud-user.ts';

const schema = z.object({
  clouds: z.object({ real: z.object({ auth: z.object({ auth_url: z.string(), password: z.string() }) }) }),
});

/** Reads the real cloud (test/real-cloud) from the clouds.yaml in OS_CLIENT_CONFIG_FILE; null if that is not set. */
export function realCloud(): CloudAccess | null {
  const file = process.env['OS_CLIENT_CONFIG_FILE'];
  if (file === undefined) return null;
  const { auth } = schema.parse(parse(readFileSync(file, 'utf8'), { merge: true })).clouds.real;
  return { authUrl: auth.auth_url, password: auth.password, close: async () => {} };
}
