import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkNovaLogs } from '../../../src/checks/database/nova-logs.ts';

it("reads Nova's logs, and says which it can't read", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-nova-logs-'));
  try {
    const [conductor, compute] = [join(folder, 'nova-conductor.log'), join(folder, 'nova-compute.log')];
    writeFileSync(
      conductor,
      'a\n\u0000\u00ff INFO Automatically selected compute RPC version 6.1 from minimum service version 64\nx\n',
    );
    writeFileSync(compute, 'Reloading compute RPC API');
    const checks = await checkNovaLogs([conductor, compute, join(folder, 'absent.log'), folder], {
      greatest: 66,
      signal: new AbortController().signal,
    });
    expect(checks.map(({ name, status }) => `${name.replace(folder, '')} ${status}`)).toEqual([
      'database: pin lifted: /nova-conductor.log fail',
      'database: pin lifted: /nova-compute.log pass',
      'database: pin lifted: /absent.log skip',
      'database: pin lifted:  skip',
    ]);
    expect(checks.slice(2).map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^it cannot be read: ENOENT: /),
      'it cannot be read: it is no file',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
