import { describe, expect, it } from 'vitest';
import { toApiChartTasks } from '../../../src/api/chart.ts';
import { createTaskRegistry } from '../../../src/domain/upgrade/task-registry.ts';
import { firstTaskAfter, mergeTasks, pack, readTasks, type TaskBar } from '../../../src/web/tasks.ts';
import { task } from '../../support/tasks.ts';

const bar = (name: string, start: number, end: number): TaskBar => ({ name, start, end, handler: false, status: 'ok' });

describe('tasks on the timeline', () => {
  it('are read as they were written', () => {
    const registry = createTaskRegistry();
    const T0 = Date.UTC(2026, 10, 23);
    registry.report(task({ id: 'a', name: 'stop nova-api', role: 'os_nova', start: T0, end: T0 + 1500 }));
    registry.report(
      task({ id: 'b', name: 'restart', role: null, kind: 'handler', status: 'running', start: T0 + 2000, end: null }),
    );
    expect(readTasks(toApiChartTasks(registry.all()))).toEqual([
      { name: 'os_nova : stop nova-api', handler: false, status: 'ok', start: T0, end: T0 + 1500 },
      { name: 'restart', handler: true, status: 'running', start: T0 + 2000, end: Infinity },
    ]);
    expect(readTasks(toApiChartTasks([]))).toEqual([]);
  });

  it('are replaced from a given time on by newer reports', () => {
    const known = [bar('over', 0, 10), bar('long', 5, Infinity), bar('last', 20, Infinity)];
    const newer = [bar('long', 5, 30), bar('last', 20, 25), bar('new', 26, Infinity)];
    expect(mergeTasks(known, newer, 15).map(({ name, end }) => [name, end])).toEqual([
      ['over', 10],
      ['long', 30],
      ['last', 25],
      ['new', Infinity],
    ]);
  });

  it('are placed in rows without overlap, and left out if all rows are taken', () => {
    const tasks = [bar('a', 0, 10), bar('b', 5, 12), bar('c', 6, 7), bar('d', 10, 11), bar('e', 12, Infinity)];
    expect([...pack(tasks, 2)]).toEqual([0, 1, -1, 0, 0]);
  });

  it('are found by their start', () => {
    const tasks = [bar('a', 0, 1), bar('b', 10, 11), bar('c', 10, 12), bar('d', 20, 21)];
    expect([-1, 0, 10, 25].map((at) => firstTaskAfter(tasks, at))).toEqual([0, 1, 3, 4]);
  });
});
