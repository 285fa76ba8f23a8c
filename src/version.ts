import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** package.json is two folders up both in the checkout (src/cli) and in the installed package (dist/cli). */
export const VERSION = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))).version;
