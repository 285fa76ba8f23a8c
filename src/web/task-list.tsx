import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { counted, duration } from '../format/quantities.ts';
import { matchingTasks } from './filter.ts';
import { Table } from './table.tsx';
import type { TaskBar } from './tasks.ts';
import type { TimeFormat } from './time-format.ts';

type TaskListProps = {
  /** By start. */
  readonly tasks: readonly TaskBar[];
  readonly search: string;
  readonly times: TimeFormat;
  readonly now: number;
  /** Shows an interval in the timeline, in milliseconds since 1970. */
  readonly onShow: (from: number, until: number) => void;
};

/** An upgrade may have 10,000 tasks; the search finds the others. */
const MAX_SHOWN = 100;

/** Lists the tasks that the search finds, the latest at the end. */
export function TaskList({ tasks, search, times, now, onShow }: TaskListProps): JSX.Element {
  const found = useMemo(() => {
    const marks = matchingTasks(tasks, search);
    return marks === null ? tasks : tasks.filter((_, index) => marks[index] === 1);
  }, [tasks, search]);
  const shown = found.slice(-MAX_SHOWN);
  const skipped = found.length - shown.length;
  const endOf = ({ end }: TaskBar) => Math.min(end, now);
  return (
    <Table
      stacks
      caption={
        skipped > 0
          ? `Oldest first: the last ${shown.length} of ${counted(found.length, 'task')}. Search above to find others.`
          : `Oldest first: ${counted(found.length, 'task')}${search.trim() === '' ? '' : ` with '${search.trim()}'`}.`
      }
      keyOf={({ name, start }, index) => `${start} ${index} ${name}`}
      rows={shown}
      columns={[
        {
          head: 'Task',
          cell: (task) => (
            <button type="button" class="link" onClick={() => onShow(task.start, endOf(task))}>
              {task.name}
              <span class="visually-hidden">, show in the timeline</span>
            </button>
          ),
        },
        { head: 'Kind', cell: ({ handler }) => (handler ? 'handler' : 'task') },
        { head: 'Started', cell: ({ start }) => <span class="nowrap">{times.exact(start)}</span> },
        { head: 'Took', figure: true, cell: (task) => duration((endOf(task) - task.start) / 1000) },
        { head: 'Status', cell: ({ status }) => <span class={status === 'failed' ? 'bad' : undefined}>{status}</span> },
      ]}
    />
  );
}
