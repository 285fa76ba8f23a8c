import { Command } from 'commander';
import { phasesSchema } from '../api/phase.ts';
import {
  currentOutage,
  type DaemonAnswers,
  statusSentence,
  type WatchedState,
  watchedState,
} from '../report/text/status-sentence.ts';
import { print } from '../terminal/output.ts';
import type { CommandFactory } from './command.ts';
import {
  addDaemonOptions,
  callDaemonJson,
  type DaemonAddress,
  type DaemonFlags,
  readStatus,
  resolveDaemon,
} from './daemon-client.ts';

/** A daemon answers in milliseconds. A script or a prompt that asks must not hang if it does not. */
const TIMEOUT_MS = 3000;

/** A slow cloud is up. Nobody knows whether a cloud is up that is not sampled, as if there were no daemon. */
const EXIT_CODES: Readonly<Record<WatchedState, 0 | 1 | 3>> = {
  up: 0,
  degraded: 0,
  partial: 1,
  down: 1,
  unknown: 3,
};

export const statusCommand: CommandFactory = ({ output, finish }) =>
  addDaemonOptions(new Command('status'))
    .description('print in one line what a running daemon sees: what is down, phase, task, downtime and verdict so far')
    .option(
      '--json',
      'print {state: up|degraded|partial|down|unknown, sentence, url, at, run, version, paused, outage: {since, durationSeconds, series}, incidents, phase, task, verdict, journal}',
    )
    .addHelpText(
      'after',
      `
Asks once, and waits at most ${TIMEOUT_MS / 1000} s.

Examples:
  rollwatch status
  rollwatch status --url http://rollwatch.example.com:9774 --json
  until rollwatch status; do sleep 1; done        wait until the cloud is up

Exit codes: 0 up (or slow), 1 something is down or partly down, 2 usage error, 3 unknown: no daemon answers, it is paused, it has no
valid sample yet, or its sampler is silent.`,
    )
    .action(async ({ json = false, ...flags }: DaemonFlags & { readonly json?: boolean }) => {
      const daemon = resolveDaemon(flags);
      const answers = await askDaemon(daemon);
      const text = json ? JSON.stringify(toJson(answers, daemon.url), null, 2) : statusSentence(answers);
      await print(output.out, text);
      finish(EXIT_CODES[watchedState(answers.status)]);
    });

/** Asks a daemon for its status and its verdict so far, at the same time. */
async function askDaemon(daemon: DaemonAddress): Promise<DaemonAnswers> {
  const [status, { verdict, phases }] = await Promise.all([
    readStatus(daemon, TIMEOUT_MS),
    callDaemonJson(daemon, { method: 'GET', path: '/api/v1/phases', timeoutMs: TIMEOUT_MS }, phasesSchema),
  ]);
  return { status, verdict, phases };
}

function toJson(answers: DaemonAnswers, url: string): object {
  const { status, verdict } = answers;
  const { at, run, version, paused, phase, journal, tasks } = status;
  return {
    state: watchedState(status),
    sentence: statusSentence(answers),
    url,
    at,
    run,
    version,
    paused,
    outage: currentOutage(status),
    incidents: status.incidents,
    phase,
    task: tasks[0]?.name ?? null,
    verdict: verdict.plan === null ? null : verdict.result,
    journal,
  };
}
