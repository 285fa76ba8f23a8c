import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** package.json is one folder up, both in the checkout (from src) and in the installed package (from dist). */
export const VERSION = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))).version;
