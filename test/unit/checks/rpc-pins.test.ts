import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkNovaLogs, checkPins, emptyPinLog, withLogLine } from '../../../src/checks/database/rpc-pins.ts';
import { fail, pass, skip } from '../../../src/domain/check.ts';

/** A line as oslo.log writes it for a terminal, with colors. */
const line = (pid: number, text: string) =>
  `2026-11-26 00:29:00.108 ${pid} INFO nova.x [None req-1 - - - -] ${text}\u001b[00m`;
const chose = (pid: number, rpc: string, version: number) =>
  line(pid, `Automatically selected compute RPC version ${rpc} from minimum service version ${version}`);
const started = (pid: number, code: string) => line(pid, `Starting conductor node (version ${code})`);
const reloaded = (pid: number) => line(pid, 'Reloading compute RPC API');

const CONDUCTOR = '/var/log/nova/nova-conductor.log';
const COMPUTE = '/logs/n1/nova-compute.log';
const API = '/var/log/nova/nova-api.log';

const check = (file: string, ...lines: readonly string[]) =>
  checkPins([lines.reduce(withLogLine, emptyPinLog(file))], 66)[0];

describe('the check that the pin was lifted', () => {
  it('fails for a conductor that was not restarted after the computes were upgraded', () => {
    expect(
      check(CONDUCTOR, started(1, '26.2.2'), chose(1, '6.1', 64), started(2, '27.5.1'), chose(2, '6.1', 64)),
    ).toEqual(
      fail(
        `database: pin lifted: ${CONDUCTOR}`,
        'still uses compute RPC 6.1, chosen for service version 64, but the services are at version 66 (27.5.1): restart it, because a SIGHUP does not lift the pin',
      ),
    );
  });

  it('fails if one of several workers chose the old version, whatever others chose later', () => {
    const lines = [started(1, '27.5.1'), started(2, '27.5.1'), chose(1, '6.1', 64), chose(2, '6.2', 66)];
    expect(check(CONDUCTOR, ...lines)?.status).toBe('fail');
  });

  it('passes after a restart, whether a version was chosen since or not', () => {
    const old = [started(1, '27.5.1'), chose(1, '6.1', 64), started(2, '27.5.1')];
    expect(check(CONDUCTOR, ...old)).toEqual(
      pass(
        `database: pin lifted: ${CONDUCTOR}`,
        'started (27.5.1) since it last chose an RPC version, so it will choose again',
      ),
    );
    expect(check(CONDUCTOR, ...old, chose(2, '6.2', 66))).toEqual(
      pass(`database: pin lifted: ${CONDUCTOR}`, 'uses compute RPC 6.2, chosen for service version 66 (27.5.1)'),
    );
  });

  it('passes for a nova-compute that received the SIGHUP, and fails for one that did not', () => {
    expect(check(COMPUTE, chose(1, '6.1', 64), reloaded(1))?.status).toBe('pass');
    expect(check(COMPUTE, chose(1, '6.1', 64))?.detail).toMatch(/: send it a SIGHUP, or restart it$/);
  });

  it('is skipped for an API, which may reload without a log line, for a log that shows nothing, and without logs', () => {
    expect(check(API, chose(1, '6.1', 64))?.status).toBe('skip');
    expect(check(API, chose(1, '6.1', 64), chose(2, '6.2', 66))?.status).toBe('skip');
    expect(check(COMPUTE, line(1, 'something else'))).toEqual(
      skip(`database: pin lifted: ${COMPUTE}`, 'no line shows which RPC version it uses'),
    );
    expect(checkPins([], 66).map(({ name, status }) => `${name} ${status}`)).toEqual(['database: pin lifted skip']);
  });

  it('skips logs that cannot be read', async () => {
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
        expect.stringMatching(/^cannot be read: ENOENT: /),
        'cannot be read: not a file',
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
