import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { discard } from '../support/daemon.ts';
import { rollwatch } from '../support/rollwatch.ts';

it.each([
  {
    what: 'has no such configuration',
    args: ['--config', 'missing.yaml'],
    says: /^rollwatch: --config: \S+missing\.yaml does not exist/m,
  },
  {
    what: 'is to boot an image that the cloud does not have',
    args: ['--config', 'wrong-image.yaml'],
    says: /^rollwatch: cloud embedded: .*nonesuch/m,
  },
])(
  'a rehearsal that $what says so in a line, ends and leaves nothing behind',
  { timeout: 60_000 },
  async ({ args, says }) => {
    const folder = mkdtempSync(join(tmpdir(), 'rollwatch-rehearse-'));
    const scratch = join(folder, 'tmp');
    mkdirSync(scratch);
    writeFileSync(join(folder, 'wrong-image.yaml'), 'probes:\n  server-boot:\n    image: nonesuch\n');
    try {
      const { code, out, err } = await rollwatch(['rehearse', '--exit', ...args], {
        folder,
        env: { TMPDIR: scratch },
        limit: 40_000,
        kill: 'SIGKILL',
      });
      expect(err).toMatch(says);
      expect(err).not.toContain('    at ');
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(readdirSync(scratch).filter((name) => name.startsWith('rollwatch-'))).toEqual([]);
    } finally {
      discard(folder);
    }
  },
);
