/** `rollwatch pause`, `resume` and `phase`: they command a running daemon. */

import { Command } from 'commander';
import { z } from 'zod';
import { UserError } from '../domain/errors.ts';
import { END_MARK } from '../domain/upgrade/phases.ts';
import { print } from '../terminal/output.ts';
import type { CommandContext, CommandFactory } from './command.ts';
import { addDaemonOptions, callDaemonJson, type DaemonFlags, readStatus, resolveDaemon } from './daemon-client.ts';

const PAUSE = { verb: 'pause', description: 'pause probing; paused time is reported as unobserved' } as const;
const RESUME = { verb: 'resume', description: 'resume probing' } as const;

type JsonFlag = { readonly json?: boolean };

const pausedSchema = z.object({ paused: z.boolean() });

export const pauseCommand: CommandFactory = (context) => probingCommand(PAUSE, context);

export const resumeCommand: CommandFactory = (context) => probingCommand(RESUME, context);

const probingCommand = (
  { verb, description }: typeof PAUSE | typeof RESUME,
  { output, finish }: CommandContext,
): Command =>
  addDaemonOptions(new Command(verb))
    .description(description)
    .option('--json', 'print {paused} to standard output')
    .addHelpText('after', `\nExample:\n  rollwatch ${verb} --url http://127.0.0.1:9774`)
    .action(async ({ json = false, ...flags }: DaemonFlags & JsonFlag) => {
      const request = { method: 'POST', path: `/api/v1/${verb}` } as const;
      const answer = await callDaemonJson(resolveDaemon(flags), request, pausedSchema);
      if (json) await print(output.out, JSON.stringify(answer));
      else await print(output.err, answer.paused ? 'paused' : 'resumed');
      finish(0);
    });

const phaseMarkSchema = z.object({ name: z.string(), at: z.string() });

export const phaseCommand: CommandFactory = ({ output, finish }) =>
  addDaemonOptions(new Command('phase'))
    .description('mark the start of an upgrade phase (ends the previous one)')
    .argument('<name>', `name of the phase, as in the plan; '${END_MARK}' ends the current one`)
    .option('--unplanned', 'accept a phase that is not in the plan; it is not judged')
    .option('--json', 'print {started, ended, at} to standard output: the names of the phases, or null')
    .addHelpText('after', `\nExamples:\n  rollwatch phase maintenance\n  rollwatch phase ${END_MARK}`)
    .action(
      async (
        name: string,
        { unplanned = false, json = false, ...flags }: DaemonFlags & JsonFlag & { readonly unplanned?: boolean },
      ) => {
        const daemon = resolveDaemon(flags);
        const { phase: current } = await readStatus(daemon);
        if (name === END_MARK && current === null) throw new UserError('no phase is running, so there is none to end');
        const body = { name, ...(unplanned && { unplanned: true }) };
        const mark = await callDaemonJson(daemon, { method: 'POST', path: '/api/v1/phases', body }, phaseMarkSchema);
        const change = {
          started: mark.name === END_MARK || mark.name === current ? null : mark.name,
          ended: mark.name === current ? null : current,
        };
        if (json) await print(output.out, JSON.stringify({ ...change, at: mark.at }));
        else await print(output.err, phaseChangeText(mark.name, change));
        finish(0);
      },
    );

type PhaseChange = { readonly started: string | null; readonly ended: string | null };

function phaseChangeText(name: string, { started, ended }: PhaseChange): string {
  const parts = [
    ...(ended === null ? [] : [`phase ${ended} ended`]),
    ...(started === null ? [] : [`phase ${started} started`]),
  ];
  return parts.length === 0 ? `phase ${name} is already running` : parts.join(', ');
}
