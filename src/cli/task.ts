import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants, hostname } from 'node:os';
import { Command } from 'commander';
import { z } from 'zod';
import { UserError } from '../domain/errors.ts';
import { span } from '../format/quantities.ts';
import { listOf } from '../http/lists.ts';
import { print } from '../terminal/output.ts';
import type { CommandContext, CommandFactory } from './command.ts';
import { addDaemonOptions, callDaemon, callDaemonJson, type DaemonFlags, resolveDaemon } from './daemon-client.ts';
import { taskFollowCommand } from './task-follow.ts';
import { HEARTBEAT_HEADER, HEARTBEAT_INTERVAL_MS } from './task-reporter.ts';

/** Short, because a slow daemon must not delay the upgrade. */
const REPORT_TIMEOUT_MS = 2000;

type JsonFlag = { readonly json?: boolean };

export const taskCommand: CommandFactory = (context) =>
  new Command('task')
    .description('report upgrade tasks to a running daemon, which attributes downtime to them')
    .addHelpText(
      'after',
      `
Examples:
  rollwatch task run 'stop the API' -- systemctl stop nova-api
  rollwatch task start 'online data migrations'
  rollwatch task end 'online data migrations' --json`,
    )
    .addCommand(runCommand(context))
    .addCommand(startCommand(context))
    .addCommand(endCommand(context))
    .addCommand(taskFollowCommand(context));

/** Runs a command as a task. A daemon that is unreachable or rejects the task causes only a warning. */
const runCommand = ({ output, finish }: CommandContext): Command =>
  addTaskOptions(addDaemonOptions(new Command('run')))
    .description('run a command as a task; passes its exit code, output and signals through')
    .argument('<name>', 'name of the task')
    .argument('<command...>', 'command to run, after --')
    .addHelpText('after', "\nExample:\n  rollwatch task run 'stop the API' -- systemctl stop nova-api")
    .action(async (name: string, command: readonly string[], flags: DaemonFlags & TaskFlags) => {
      const task = newTask(name, flags);
      const warn = (error: unknown): Promise<void> => {
        if (!(error instanceof UserError)) throw error;
        return print(output.err, `rollwatch: could not report task '${name}': ${error.message}`);
      };
      const startReported = report(flags, task, { withHeartbeat: true }).catch(warn);
      // Lets the daemon end the task if this process is killed.
      const heartbeat = setInterval(
        () => report(flags, task, { withHeartbeat: true }).catch(() => {}),
        HEARTBEAT_INTERVAL_MS,
      );
      const { code, problem } = await runChild(command);
      clearInterval(heartbeat);
      const ended = {
        ...task,
        status: code === 0 ? ('ok' as const) : ('failed' as const),
        end: new Date().toISOString(),
      };
      await startReported;
      await report(flags, ended).catch(warn);
      if (problem !== null) await print(output.err, `rollwatch: ${problem}`);
      finish(code);
    });

const startCommand = ({ output, finish }: CommandContext): Command =>
  addTaskOptions(addDaemonOptions(new Command('start')))
    .description('report the start of a task; prints its id')
    .argument('<name>', 'name of the task')
    .option('--json', 'print {id, name, start}')
    .action(async (name: string, { json = false, ...flags }: DaemonFlags & TaskFlags & JsonFlag) => {
      const task = newTask(name, flags);
      await report(flags, task);
      const { id, start } = task;
      await print(output.out, json ? JSON.stringify({ id, name, start }) : id);
      finish(0);
    });

/** The fields of a running task that can be reported back to the daemon. */
const runningTasksSchema = z.object({
  tasks: listOf(
    z.object({
      id: z.string(),
      name: z.string(),
      role: z.string().nullable(),
      play: z.string().nullable(),
      playbook: z.string().nullable(),
      hosts: z.array(z.string()),
      groups: z.array(z.string()),
      tags: z.array(z.string()),
      kind: z.string(),
      start: z.string(),
      source: z.string(),
    }),
  ),
});

type EndFlags = DaemonFlags & JsonFlag & { readonly failed?: boolean };

const endCommand = ({ output, finish }: CommandContext): Command =>
  addDaemonOptions(new Command('end'))
    .description('report the end of a task, whichever source reported its start')
    .argument('<name-or-id>', "id, name or 'role : name' of the task; if several match, the one that started last")
    .option('--failed', 'the task failed')
    .option('--json', 'print {id, name, status: ok|failed, start, end} to standard output')
    .action(async (wanted: string, { failed = false, json = false, ...flags }: EndFlags) => {
      const end = new Date().toISOString();
      const request = { method: 'GET', path: '/api/v1/tasks?status=running' } as const;
      const { tasks } = await callDaemonJson(resolveDaemon(flags), request, runningTasksSchema);
      const isWanted = ({ id, name, role }: (typeof tasks)[number]): boolean =>
        [id, name, ...(role === null ? [] : [`${role} : ${name}`])].includes(wanted);
      const task = tasks.findLast(isWanted);
      if (task === undefined) {
        const names = tasks.map(({ name }) => `'${name}'`).join(', ');
        throw new UserError(`no task '${wanted}' is running (${names === '' ? 'none is' : `running: ${names}`})`);
      }
      const ended = { ...task, status: failed ? 'failed' : 'ok', end };
      await report(flags, ended);
      const { id, name, status, start } = ended;
      if (json) await print(output.out, JSON.stringify({ id, name, status, start, end }));
      else await print(output.err, `task '${name}' ended after ${lengthOf(ended)}: ${status}`);
      finish(0);
    });

/** Returns how long a task took. Its start may be from the clock of another host. */
const lengthOf = ({ start, end }: { readonly start: string; readonly end: string }): string =>
  span(Math.max(0, Date.parse(end) - Date.parse(start)) / 1000);

/** What a plan may recognise a task by, besides its name. */
type TaskFlags = {
  readonly host?: readonly string[];
  readonly group?: readonly string[];
  readonly tag?: readonly string[];
  readonly role?: string;
  readonly play?: string;
  readonly playbook?: string;
};

const addTaskOptions = (command: Command): Command =>
  command
    .option('--host <name>', 'host that the task changes; may be repeated (default: this host)', append)
    .option('--group <name>', 'group of the inventory that such a host is in; may be repeated', append)
    .option('--tag <name>', 'tag by which a plan may recognise it; may be repeated', append)
    .option('--role <name>', 'role that it belongs to')
    .option('--play <name>', 'play that it belongs to')
    .option('--playbook <name>', 'playbook or script that it belongs to');

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const newTask = (name: string, { host, group, tag, role, play, playbook }: TaskFlags) => ({
  id: `shell-${randomUUID()}`,
  name,
  role: role ?? null,
  play: play ?? null,
  playbook: playbook ?? null,
  hosts: host ?? [hostname()],
  groups: group ?? [],
  tags: tag ?? [],
  status: 'running',
  start: new Date().toISOString(),
  end: null,
  source: 'shell',
});

/** Reports a task. `withHeartbeat` promises the daemon a report every `HEARTBEAT_INTERVAL_MS` while the task runs. */
async function report(flags: DaemonFlags, task: object, { withHeartbeat = false } = {}): Promise<void> {
  await callDaemon(resolveDaemon(flags), {
    method: 'POST',
    path: '/api/v1/tasks',
    headers: withHeartbeat ? HEARTBEAT_HEADER : {},
    body: { tasks: [task] },
    timeoutMs: REPORT_TIMEOUT_MS,
  });
}

const FORWARDED_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR2', 'SIGCONT', 'SIGWINCH'];
/** A terminal sends these to the child as well. */
const TERMINAL_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/**
 * How a command ended. `code` is as in a shell: 128 + n after signal n, 127 if the command does not exist, 126 if it
 * cannot be run.
 */
type ChildResult = { readonly code: number; readonly problem: string | null };

/** Runs a command with this process's input, output and signals. */
async function runChild([command = '', ...args]: readonly string[]): Promise<ChildResult> {
  let child: ChildProcess | null = null;
  const forward = (signal: NodeJS.Signals) => child?.kill(signal);
  const forwardUnlessTerminal = (signal: NodeJS.Signals) => {
    if (process.stdin.isTTY !== true) forward(signal);
  };
  // Before spawn(): a signal that ended this process would leave the child running.
  for (const signal of FORWARDED_SIGNALS) process.on(signal, forward);
  for (const signal of TERMINAL_SIGNALS) process.on(signal, forwardUnlessTerminal);
  try {
    const spawned = spawn(command, args, { stdio: 'inherit' });
    child = spawned;
    return await new Promise((resolve) => {
      spawned.on('error', (error: NodeJS.ErrnoException) =>
        resolve({ code: error.code === 'ENOENT' ? 127 : 126, problem: `${command}: ${error.message}` }),
      );
      spawned.on('exit', (code, signal) =>
        resolve({ code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), problem: null }),
      );
    });
  } finally {
    for (const signal of FORWARDED_SIGNALS) process.off(signal, forward);
    for (const signal of TERMINAL_SIGNALS) process.off(signal, forwardUnlessTerminal);
  }
}
