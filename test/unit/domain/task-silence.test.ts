import { describe, expect, it } from 'vitest';
import { createTaskSilence } from '../../../src/domain/upgrade/task-silence.ts';
import { task } from '../../support/tasks.ts';

const running = task({ status: 'running', end: null });
const S = 1000;
const HOUR = 3600 * S;

describe('a silent task source', () => {
  it('has its tasks ended as unknown after three missed heartbeats, at the time the first was due', () => {
    const silence = createTaskSilence();
    expect(silence.report(running, { at: 100 * S, heartbeat: 10 * S })).toBe(true);
    expect(silence.overdue(129 * S)).toEqual([]);
    expect(silence.overdue(130 * S)).toEqual([{ ...running, status: 'unknown', end: 110 * S }]);
    expect(silence.overdue(131 * S)).toEqual([]);
  });

  it('continues its task when it reports again', () => {
    const silence = createTaskSilence();
    silence.report(running, { at: 0, heartbeat: 10 * S });
    expect(silence.overdue(30 * S)).toHaveLength(1);
    expect(silence.report(running, { at: 40 * S, heartbeat: 10 * S })).toBe(true);
  });

  it('is not overdue while it sends heartbeats, which are not new reports', () => {
    const silence = createTaskSilence();
    silence.report(running, { at: 0, heartbeat: 10 * S });
    expect(silence.report({ ...running }, { at: 20 * S, heartbeat: 10 * S })).toBe(false);
    expect(silence.overdue(49 * S)).toEqual([]);
    expect(silence.report({ ...running, hosts: ['b'] }, { at: 49 * S, heartbeat: null })).toBe(true);
    expect(silence.overdue(78 * S)).toEqual([]);
    expect(silence.overdue(79 * S)).toHaveLength(1);
  });

  it.each(['callback', 'log', 'jsonl', 'ara'] as const)(
    'is overdue after an hour without heartbeats (%s)',
    (source) => {
      const silence = createTaskSilence();
      silence.report({ ...running, source }, { at: 20 * S, heartbeat: null });
      expect(silence.overdue(20 * S + HOUR - 1)).toEqual([]);
      expect(silence.overdue(20 * S + HOUR)).toMatchObject([{ status: 'unknown', end: 20 * S + HOUR }]);
    },
  );

  it('is restored after a restart of the daemon, unless it reported since', () => {
    const silence = createTaskSilence();
    silence.report(running, { at: 50 * S, heartbeat: 20 * S });
    silence.restore(running, { at: 40 * S, heartbeat: 10 * S });
    silence.restore({ ...running, id: 'previous' }, { at: 40 * S, heartbeat: 10 * S });
    expect(silence.overdue(70 * S)).toMatchObject([{ id: 'previous', end: 50 * S }]);
    expect(silence.overdue(110 * S)).toMatchObject([{ id: running.id, end: 70 * S }]);
  });

  it('is never overdue if the task was started by hand, or has ended', () => {
    const silence = createTaskSilence();
    silence.report({ ...running, source: 'shell' }, { at: 0, heartbeat: null });
    silence.report({ ...running, id: 'b' }, { at: 0, heartbeat: 10 * S });
    expect(silence.report(task({ id: 'b' }), { at: S, heartbeat: 10 * S })).toBe(true);
    expect(silence.overdue(100 * HOUR)).toEqual([]);
  });

  it('keeps the status of a dry run', () => {
    const silence = createTaskSilence();
    silence.report({ ...running, status: 'dry-run' }, { at: 10 * S, heartbeat: 10 * S });
    expect(silence.overdue(40 * S)).toMatchObject([{ status: 'dry-run', end: 20 * S }]);
  });
});
