import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { readAnsibleLog } from '../task-sources/ansible-log/read-ansible-log.ts';
import { createAnsibleParser } from '../task-sources/ansible-parser.ts';
import { followFile } from '../task-sources/follow-file.ts';
import { print } from '../terminal/output.ts';
import { type CommandContext, stopSignal } from './command.ts';
import { addDaemonOptions, type DaemonFlags, resolveDaemon } from './daemon-client.ts';
import { createTaskReporter } from './task-reporter.ts';

type FollowFlags = DaemonFlags & { readonly zone: string; readonly once?: boolean };

/** How long to keep trying to deliver the last tasks after the input has ended. */
const DELIVERY_TIMEOUT_MS = 5000;

const STDOUT_FD = 1;
const ECHO_RETRY_MS = 10;

export const taskFollowCommand = ({ output, finish }: CommandContext): Command =>
  addDaemonOptions(new Command('follow'))
    .description("report the tasks in Ansible's log, or in the output of ansible.posix.jsonl, as they appear")
    .argument('[file]', 'log to follow like tail -F (default: standard input, which is copied to standard output)')
    .option('--once', 'read the file once and exit')
    .option('--jsonl', 'the input comes from ansible.posix.jsonl (optional: detected automatically)')
    .option('--zone <zone>', "time zone of the log's timestamps: Europe/Berlin, utc or local", 'local')
    .addHelpText(
      'after',
      `
Examples:
  rollwatch task follow /openstack/log/ansible-logging/ansible.log --zone Europe/Berlin
  ANSIBLE_STDOUT_CALLBACK=ansible.posix.jsonl ansible-playbook upgrade.yml | rollwatch task follow --jsonl`,
    )
    .action(async (file: string | undefined, { zone, once = false, ...flags }: FollowFlags) => {
      const reporter = createTaskReporter(resolveDaemon(flags));
      const warn = (note: string): Promise<void> => print(output.err, `rollwatch: ${note}`);
      if (file === undefined) {
        const parser = createAnsibleParser({ zone });
        for await (const line of createInterface({ input: process.stdin })) {
          echoLine(line);
          for (const task of parser.line(line)) reporter.report(task);
          for (const note of parser.notes()) await warn(note);
        }
        for (const task of parser.end()) reporter.report(task);
        for (const note of parser.notes()) await warn(note);
      } else if (once) {
        const onNote = (note: string) => void warn(note);
        for await (const task of readAnsibleLog(file, { zone, onNote })) reporter.report(task);
      } else {
        const parser = createAnsibleParser({ zone });
        const stopping = stopSignal();
        const abort = new AbortController();
        void stopping.stopped.then(() => abort.abort());
        const onLine = (line: string) => {
          for (const task of parser.line(line)) reporter.report(task);
          for (const note of parser.notes()) void warn(`${file}: ${note}`);
        };
        await followFile(file, { signal: abort.signal, onLine });
        stopping.release();
      }
      await reporter.end(DELIVERY_TIMEOUT_MS);
      finish(0);
    });

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
