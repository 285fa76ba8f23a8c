import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** From package.json, which lies one folder up in the checkout and in the installed package alike. */
export const VERSION = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))).version;
