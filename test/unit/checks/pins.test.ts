import { describe, expect, it } from 'vitest';
import { checkPins, emptyPinLog, withLogLine } from '../../../src/checks/services/pins.ts';
import { fail, pass, skip } from '../../../src/domain/check.ts';

/** As oslo.log writes them, with the colours of a terminal. */
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

describe('whether the pin was lifted', () => {
  it('fails for a conductor that was not restarted since the computes are new', () => {
    expect(
      check(CONDUCTOR, started(1, '26.2.2'), chose(1, '6.1', 64), started(2, '27.5.1'), chose(2, '6.1', 64)),
    ).toEqual(
      fail(
        `database: pin lifted: ${CONDUCTOR}`,
        'it still speaks compute RPC 6.1, chosen for service version 64, and 66 is the version of the services (27.5.1): restart it, as a SIGHUP does not lift it',
      ),
    );
  });

  it('fails where one worker of several chose before, whatever another chose since', () => {
    const lines = [started(1, '27.5.1'), started(2, '27.5.1'), chose(1, '6.1', 64), chose(2, '6.2', 66)];
    expect(check(CONDUCTOR, ...lines)?.status).toBe('fail');
  });

  it('passes once it was started again, whether it has chosen or not', () => {
    const old = [started(1, '27.5.1'), chose(1, '6.1', 64), started(2, '27.5.1')];
    expect(check(CONDUCTOR, ...old)).toEqual(
      pass(
        `database: pin lifted: ${CONDUCTOR}`,
        'started (27.5.1) since it chose an RPC version last, so it will choose anew',
      ),
    );
    expect(check(CONDUCTOR, ...old, chose(2, '6.2', 66))).toEqual(
      pass(`database: pin lifted: ${CONDUCTOR}`, 'it speaks compute RPC 6.2, chosen for service version 66 (27.5.1)'),
    );
  });

  it('passes for a nova-compute that got the SIGHUP, and fails for one that did not', () => {
    expect(check(COMPUTE, chose(1, '6.1', 64), reloaded(1))?.status).toBe('pass');
    expect(check(COMPUTE, chose(1, '6.1', 64))?.detail).toMatch(/: give it the SIGHUP, or restart it$/);
  });

  it('is not known of an API that may have been reloaded without a word, of a log that says nothing, and without logs', () => {
    expect(check(API, chose(1, '6.1', 64))?.status).toBe('skip');
    expect(check(API, chose(1, '6.1', 64), chose(2, '6.2', 66))?.status).toBe('skip');
    expect(check(COMPUTE, line(1, 'something else'))).toEqual(
      skip(`database: pin lifted: ${COMPUTE}`, 'no line of it tells which RPC version is spoken'),
    );
    expect(checkPins([], 66).map(({ name, status }) => `${name} ${status}`)).toEqual(['database: pin lifted skip']);
  });
});
