import { type Stats, statSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { errorLine, UserError } from '../domain/errors.ts';
import type { Task } from '../domain/upgrade/task.ts';
import { counted } from '../format/quantities.ts';
import { readAnsibleLog } from '../task-sources/ansible-log/read-ansible-log.ts';
import { createAnsibleParser } from '../task-sources/ansible-parser.ts';
import { followFile } from '../task-sources/follow-file.ts';
import { print } from '../terminal/output.ts';
import { type CommandContext, stopSignal } from './command.ts';
import { addDaemonOptions, type DaemonFlags, resolveDaemon } from './daemon-client.ts';
import { createTaskReporter } from './task-reporter.ts';

type FollowFlags = DaemonFlags & { readonly zone: string; readonly once?: boolean; readonly json?: boolean };

/** How long to keep trying to deliver the last tasks after the input has ended. */
const DELIVERY_TIMEOUT_MS = 5000;

const STDOUT_FD = 1;
const ECHO_RETRY_MS = 10;

export const taskFollowCommand = ({ output, finish }: CommandContext): Command =>
  addDaemonOptions(new Command('follow'))
    .description("report the tasks in Ansible's log, or in the output of ansible.posix.jsonl, as they appear")
    .argument('[file]', 'log to follow like tail -F (default: standard input, which is copied to standard output)')
    .option('--once', 'read the file once and exit')
    .option('--json', 'print {tasks}, the number of reported tasks, to standard output at the end; needs a file')
    .option('--jsonl', 'the input comes from ansible.posix.jsonl (optional: detected automatically)')
    .option('--zone <zone>', "time zone of the log's timestamps: Europe/Berlin, utc or local", 'local')
    .addHelpText(
      'after',
      `
Examples:
  rollwatch task follow /openstack/log/ansible-logging/ansible.log --zone Europe/Berlin
  ANSIBLE_STDOUT_CALLBACK=ansible.posix.jsonl ansible-playbook upgrade.yml | rollwatch task follow --jsonl`,
    )
    .action(async (file: string | undefined, { zone, once = false, json = false, ...flags }: FollowFlags) => {
      if (file === undefined && json)
        throw new UserError('--json needs a file: standard input is copied to standard output; name the file');
      const reporter = createTaskReporter(resolveDaemon(flags));
      const reportedIds = new Set<string>();
      const report = (task: Task): void => {
        reportedIds.add(task.id);
        reporter.report(task);
      };
      const inform = (line: string): Promise<void> => print(output.err, `rollwatch: ${line}`);
      if (file === undefined) {
        const parser = createAnsibleParser({ zone });
        for await (const line of createInterface({ input: process.stdin })) {
          echoLine(line);
          for (const task of parser.line(line)) report(task);
          for (const note of parser.notes()) await inform(note);
        }
        for (const task of parser.end()) report(task);
        for (const note of parser.notes()) await inform(note);
      } else if (once) {
        const onNote = (note: string) => void inform(note);
        for await (const task of readAnsibleLog(file, { zone, onNote })) report(task);
      } else {
        const parser = createAnsibleParser({ zone });
        const from = logExists(file) ? 'end' : 'start';
        if (from === 'start') await inform(`waiting for ${file}, which does not exist yet`);
        const stopping = stopSignal();
        const abort = new AbortController();
        void stopping.stopped.then(() => abort.abort());
        const onLine = (line: string) => {
          for (const task of parser.line(line)) report(task);
          for (const note of parser.notes()) void inform(`${file}: ${note}`);
        };
        const onOpen = (position: 'start' | 'end') => void inform(`following ${file} from its ${position}`);
        await followFile(file, { signal: abort.signal, onLine, onOpen, from });
        stopping.release();
      }
      await reporter.end(DELIVERY_TIMEOUT_MS);
      if (json) await print(output.out, JSON.stringify({ tasks: reportedIds.size }));
      else await inform(`${counted(reportedIds.size, 'task')} reported`);
      finish(0);
    });

/**
 * Returns whether the log to follow exists.
 *
 * @throws UserError if something else is there, which would be waited for in vain
 */
function logExists(file: string): boolean {
  const stats = statOf(file);
  if (stats === undefined || stats.isFile()) return stats !== undefined;
  const kind = stats.isDirectory() ? 'a directory' : 'not a regular file';
  throw new UserError(`${file} is ${kind}; name a log file, or pass a pipe as standard input`);
}

function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${errorLine(error)}; name a log file that this user may read`);
  }
}

/**
 * Writes a line to standard output without Node's stream, which would make the pipe non-blocking for every process that
 * shares it: the pipe is often Ansible's standard error as well. Does nothing if the reader has closed the pipe.
 */
function echoLine(line: string): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(STDOUT_FD, rest));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      if (code === 'EPIPE') return;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ECHO_RETRY_MS);
    }
  }
}
