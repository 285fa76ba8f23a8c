import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { readAnsibleLog } from '../task-sources/ansible-log/read-ansible-log.ts';
import { createAnsibleParser } from '../task-sources/detect.ts';
import { followFile } from '../task-sources/follow-file.ts';
import type { CommandContext } from './command.ts';
import { type DaemonFlags, daemonOf, toDaemon } from './daemon-flags.ts';
import { passOn } from './echo.ts';
import { print } from './output.ts';
import { stopSignal } from './stop-signal.ts';
import { createTaskTeller } from './task-reporter.ts';

type FollowFlags = DaemonFlags & { readonly zone: string; readonly once?: boolean };

/** How long the end of a pipe waits for a daemon that is away, in milliseconds. */
const PATIENCE = 5000;

export const taskFollowCommand = ({ output, finish }: CommandContext): Command =>
  toDaemon(new Command('follow'))
    .description("tell of the tasks in Ansible's log, or in the output of ansible.posix.jsonl, as they come")
    .argument(
      '[file]',
      'the log, followed like tail -F; without one: standard input, which is passed on to standard output',
    )
    .option('--once', 'read the file as it is, and end')
    .option('--jsonl', 'the input is of ansible.posix.jsonl (it is recognised without, too)')
    .option('--zone <zone>', "of the log's moments, as Europe/Berlin, utc or local", 'local')
    .addHelpText(
      'after',
      `
Examples:
  rollwatch task follow /openstack/log/ansible-logging/ansible.log --zone Europe/Berlin
  ANSIBLE_STDOUT_CALLBACK=ansible.posix.jsonl ansible-playbook upgrade.yml | rollwatch task follow --jsonl`,
    )
    .action(async (file: string | undefined, { zone, once = false, ...flags }: FollowFlags) => {
      const teller = createTaskTeller(daemonOf(flags));
      const say = (note: string): Promise<void> => print(output.err, `rollwatch: ${note}`);
      if (file === undefined) {
        const parser = createAnsibleParser({ zone });
        for await (const line of createInterface({ input: process.stdin })) {
          passOn(line);
          for (const task of parser.line(line)) teller.tell(task);
          for (const note of parser.notes()) await say(note);
        }
        for (const task of parser.end()) teller.tell(task);
        for (const note of parser.notes()) await say(note);
      } else if (once) {
        const onNote = (note: string) => void say(note);
        for await (const task of readAnsibleLog(file, { zone, onNote })) teller.tell(task);
      } else {
        const parser = createAnsibleParser({ zone });
        const signal = stopSignal();
        const ended = new AbortController();
        void signal.stopped.then(() => ended.abort());
        const onLine = (line: string) => {
          for (const task of parser.line(line)) teller.tell(task);
          for (const note of parser.notes()) void say(`${file}: ${note}`);
        };
        await followFile(file, { signal: ended.signal, onLine });
        signal.release();
      }
      await teller.end(PATIENCE);
      finish(0);
    });
