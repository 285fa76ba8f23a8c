import { describe, expect, it } from 'vitest';
import { createTaskSilence } from '../../../src/domain/upgrade/task-silence.ts';
import { task } from '../../support/tasks.ts';

const running = task({ status: 'running', end: null });
const S = 1000;
const HOUR = 3600 * S;

describe('a source that falls silent', () => {
  it('ends its running tasks as unknown after three heartbeats, when the next one was due', () => {
    const silence = createTaskSilence();
    expect(silence.heard(running, { at: 100 * S, heartbeat: 10 * S })).toBe(true);
    expect(silence.overdue(129 * S)).toEqual([]);
    expect(silence.overdue(130 * S)).toEqual([{ ...running, status: 'unknown', end: 110 * S }]);
    expect(silence.overdue(131 * S)).toEqual([]);
  });

  it('goes on with its task when it is heard again', () => {
    const silence = createTaskSilence();
    silence.heard(running, { at: 0, heartbeat: 10 * S });
    expect(silence.overdue(30 * S)).toHaveLength(1);
    expect(silence.heard(running, { at: 40 * S, heartbeat: 10 * S })).toBe(true);
  });

  it('says nothing new with a heartbeat', () => {
    const silence = createTaskSilence();
    silence.heard(running, { at: 0, heartbeat: 10 * S });
    expect(silence.heard({ ...running }, { at: 20 * S, heartbeat: 10 * S })).toBe(false);
    expect(silence.overdue(49 * S)).toEqual([]);
    expect(silence.heard({ ...running, hosts: ['b'] }, { at: 49 * S, heartbeat: null })).toBe(true);
    expect(silence.overdue(78 * S)).toEqual([]);
    expect(silence.overdue(79 * S)).toHaveLength(1);
  });

  it.each(['callback', 'log', 'jsonl', 'ara'] as const)('without a heartbeat (%s) has an hour', (source) => {
    const silence = createTaskSilence();
    silence.heard({ ...running, source }, { at: 20 * S, heartbeat: null });
    expect(silence.overdue(20 * S + HOUR - 1)).toEqual([]);
    expect(silence.overdue(20 * S + HOUR)).toMatchObject([{ status: 'unknown', end: 20 * S + HOUR }]);
  });

  it('is recalled by a daemon that is started again, unless it was heard since', () => {
    const silence = createTaskSilence();
    silence.heard(running, { at: 50 * S, heartbeat: 20 * S });
    silence.recall(running, { at: 40 * S, heartbeat: 10 * S });
    silence.recall({ ...running, id: 'past' }, { at: 40 * S, heartbeat: 10 * S });
    expect(silence.overdue(70 * S)).toMatchObject([{ id: 'past', end: 50 * S }]);
    expect(silence.overdue(110 * S)).toMatchObject([{ id: running.id, end: 70 * S }]);
  });

  it('is no matter where a task was begun by hand, or has ended', () => {
    const silence = createTaskSilence();
    silence.heard({ ...running, source: 'shell' }, { at: 0, heartbeat: null });
    silence.heard({ ...running, id: 'b' }, { at: 0, heartbeat: 10 * S });
    expect(silence.heard(task({ id: 'b' }), { at: S, heartbeat: 10 * S })).toBe(true);
    expect(silence.overdue(100 * HOUR)).toEqual([]);
  });

  it('leaves a dry run dry', () => {
    const silence = createTaskSilence();
    silence.heard({ ...running, status: 'dry-run' }, { at: 10 * S, heartbeat: 10 * S });
    expect(silence.overdue(40 * S)).toMatchObject([{ status: 'dry-run', end: 20 * S }]);
  });
});
