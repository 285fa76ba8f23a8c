import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Command } from 'commander';
import { z } from 'zod';
import { Refusal } from '../domain/user-error.ts';
import { rows } from '../http/lists.ts';
import { ask, askFor } from './api-client.ts';
import type { CommandContext, CommandFactory } from './command.ts';
import { type DaemonFlags, daemonOf, toDaemon } from './daemon-flags.ts';
import { print } from './output.ts';
import { runChild } from './run-child.ts';
import { taskFollowCommand } from './task-follow.ts';
import { HEARTBEAT_HEADER, HEARTBEAT_MS } from './task-reporter.ts';

/** The daemon must not hold up what it is told of, in milliseconds. */
const PATIENCE = 2000;

type Told = {
  readonly id: string;
  readonly name: string;
  readonly hosts: readonly string[];
  readonly status: 'running' | 'ok' | 'failed';
  readonly start: string;
  readonly end: string | null;
  readonly source: 'shell';
};

const begun = (name: string): Told => ({
  id: `shell-${randomUUID()}`,
  name,
  hosts: [hostname()],
  status: 'running',
  start: new Date().toISOString(),
  end: null,
  source: 'shell',
});

/** With `lives` whoever reports the task reports it again, as long as it runs. */
async function tell(flags: DaemonFlags, task: object, { lives = false } = {}): Promise<void> {
  const { url, token } = daemonOf(flags);
  const headers = lives ? HEARTBEAT_HEADER : {};
  await ask(url, { method: 'POST', path: '/api/v1/tasks', token, headers, body: { tasks: [task] }, timeout: PATIENCE });
}

export const taskCommand: CommandFactory = (context) =>
  new Command('task')
    .description('tell a running daemon what the upgrade does, so that downtime is put down to it')
    .addHelpText(
      'after',
      `
Examples:
  rollwatch task run 'stop the API' -- systemctl stop nova-api
  rollwatch task start 'online data migrations'
  rollwatch task end 'online data migrations'`,
    )
    .addCommand(run(context))
    .addCommand(start(context))
    .addCommand(end(context))
    .addCommand(taskFollowCommand(context));

/** The command comes first: a daemon that is away, or refuses, is a line on standard error and no more. */
const run = ({ output, finish }: CommandContext): Command =>
  toDaemon(new Command('run'))
    .description('run a command as a task; its exit code, output and signals pass through untouched')
    .argument('<name>', 'of the task')
    .argument('<command...>', 'after --')
    .addHelpText('after', "\nExample:\n  rollwatch task run 'stop the API' -- systemctl stop nova-api")
    .action(async (name: string, command: readonly string[], flags: DaemonFlags) => {
      const task = begun(name);
      const lost = (error: unknown): Promise<void> => {
        if (!(error instanceof Refusal)) throw error;
        return print(output.err, `rollwatch: task '${name}' is not told: ${error.message}`);
      };
      const told = tell(flags, task, { lives: true }).catch(lost);
      // Killed, it can't report an end; then it is missed.
      const beat = setInterval(() => tell(flags, task, { lives: true }).catch(() => {}), HEARTBEAT_MS);
      const { code, message } = await runChild(command);
      clearInterval(beat);
      const ended = {
        ...task,
        status: code === 0 ? ('ok' as const) : ('failed' as const),
        end: new Date().toISOString(),
      };
      await told;
      await tell(flags, ended).catch(lost);
      if (message !== null) await print(output.err, `rollwatch: ${message}`);
      finish(code);
    });

const start = ({ output, finish }: CommandContext): Command =>
  toDaemon(new Command('start'))
    .description('say that a task begins; prints its id')
    .argument('<name>', 'of the task')
    .action(async (name: string, flags: DaemonFlags) => {
      const task = begun(name);
      await tell(flags, task);
      await print(output.out, task.id);
      finish(0);
    });

/** All that a daemon says of a task and takes again. */
const runningTask = z.object({
  id: z.string(),
  name: z.string(),
  role: z.string().nullable(),
  play: z.string().nullable(),
  playbook: z.string().nullable(),
  hosts: z.array(z.string()),
  tags: z.array(z.string()),
  kind: z.string(),
  start: z.string(),
  source: z.string(),
});
const runningSchema = z.object({ tasks: rows(runningTask) });

const end = ({ finish }: CommandContext): Command =>
  toDaemon(new Command('end'))
    .description('say that a task has ended, whoever reported its start')
    .argument('<name-or-id>', 'as it was started, or as the report names it; of several the one that began last')
    .option('--failed', 'it failed')
    .action(async (wanted: string, { failed = false, ...flags }: DaemonFlags & { readonly failed?: boolean }) => {
      const at = new Date().toISOString();
      const { url, token } = daemonOf(flags);
      const path = '/api/v1/tasks?status=running';
      const { tasks } = await askFor(runningSchema, url, { method: 'GET', path, token });
      const isWanted = ({ id, name, role }: (typeof tasks)[number]): boolean =>
        [id, name, ...(role === null ? [] : [`${role} : ${name}`])].includes(wanted);
      const task = tasks.findLast(isWanted);
      if (task === undefined) {
        const names = tasks.map((one) => `'${one.name}'`).join(', ');
        throw new Refusal(`no task '${wanted}' is running; ${names === '' ? 'none is' : `there is ${names}`}`);
      }
      await tell(flags, { ...task, status: failed ? 'failed' : 'ok', end: at });
      finish(0);
    });
