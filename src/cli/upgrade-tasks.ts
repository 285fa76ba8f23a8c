import type { Command } from 'commander';
import { UserError } from '../domain/errors.ts';
import { createTaskRegistry } from '../domain/upgrade/task-registry.ts';
import { readProblem, readText } from '../files/read-text.ts';
import { readAnsibleLog } from '../task-sources/ansible-log/read-ansible-log.ts';
import { readTaskList, type TaskList } from '../task-sources/task-list.ts';
import { type Output, print } from '../terminal/output.ts';

/** Where the tasks of an upgrade are. */
export type TaskFlags = {
  readonly ansibleLog?: readonly string[] | undefined;
  readonly tasks?: string | undefined;
  readonly zone: string;
};

export const addTaskOptions = (command: Command): Command =>
  command
    .option('--ansible-log <file...>', "Ansible's logs, or the output of ansible.posix.jsonl, of an earlier upgrade")
    .option(
      '--tasks <file>',
      "output of 'ansible-playbook --list-tasks' (which lists no handlers), or of /api/v1/tasks",
    )
    .option('--zone <zone>', 'time zone of the logs and of what is printed, such as Europe/Berlin', 'local');

/** The limit for a hundred thousand tasks in JSON. */
const MAX_TASKS_BYTES = 64 * 1024 * 1024;

/** Returns null if no file is given. @throws UserError if both kinds are, or if a file cannot be read */
export async function readUpgradeTasks(
  { ansibleLog, tasks: file, zone }: TaskFlags,
  { err }: Output,
): Promise<TaskList | null> {
  if (ansibleLog !== undefined && file !== undefined)
    throw new UserError('--ansible-log cannot be used with --tasks; use one of them');
  if (file !== undefined) {
    const found = readText(file, { maxBytes: MAX_TASKS_BYTES });
    if (found.kind !== 'text') throw new UserError(`--tasks: ${file} ${readProblem(found)}`);
    return readTaskList(found.text, file);
  }
  if (ansibleLog === undefined) return null;
  // Merges the reports of a task, and sorts by start.
  const registry = createTaskRegistry();
  const onNote = (note: string) => void print(err, `rollwatch: ${note}`);
  for (const log of ansibleLog) for await (const task of readAnsibleLog(log, { zone, onNote })) registry.report(task);
  return { tasks: registry.all(), haveRun: true };
}
