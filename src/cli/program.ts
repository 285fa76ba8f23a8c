import { Command, CommanderError, Option } from 'commander';
import { UserError } from '../domain/errors.ts';
import { didYouMean } from '../format/did-you-mean.ts';
import { listed } from '../format/lists.ts';
import { printableLine } from '../format/printable.ts';
import {
  COLOUR_CHOICES,
  type ColourChoice,
  type Output,
  print,
  processOutput,
  userErrorLine,
} from '../terminal/output.ts';
import { VERSION } from '../version.ts';
import { ansibleCallbackCommand } from './ansible-callback.ts';
import { checkCommand } from './check.ts';
import { cloudCommand } from './cloud.ts';
import { completionCommand } from './completion.ts';
import { pauseCommand, phaseCommand, resumeCommand } from './daemon-commands.ts';
import { doctorCommand } from './doctor.ts';
import { noteCommand } from './note.ts';
import { planCommand } from './plan.ts';
import { rehearseCommand } from './rehearse.ts';
import { repairCommand } from './repair.ts';
import { reportCommand } from './report.ts';
import { statusCommand } from './status.ts';
import { sweepCommand } from './sweep.ts';
import { taskCommand } from './task.ts';
import { versionCommand } from './version.ts';
import { watchCommand } from './watch.ts';

/** Creates the program with all its commands. Each of them calls `finish` with its exit code. */
function createProgram(output: Output, finish: (exitCode: number) => void): Command {
  const rollwatch = new Command('rollwatch')
    .description(
      'Watches an OpenStack cloud during a rolling upgrade and reports, with error bars, when and for how long its users were affected.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .addOption(
      new Option('--color <when>', 'whether to colour reports; auto: on a terminal, unless NO_COLOR is set')
        .choices(COLOUR_CHOICES)
        .default('auto'),
    )
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `
Examples:
  rollwatch                                    watch the embedded cloud during a one-minute upgrade
  OS_CLOUD=mycloud rollwatch doctor            check that everything is ready, before the upgrade
  OS_CLOUD=mycloud rollwatch watch             watch a cloud in clouds.yaml until Ctrl-C
  rollwatch status                             say in one line what a running daemon sees
  rollwatch report --journal rollwatch.sqlite  print the report of a run
  rollwatch check before                       record the state of the cloud, for 'check after' to compare
  rollwatch sweep --dry-run                    list leftover test servers

Exit codes: 0 success, 1 verdict or check failed, 2 usage or configuration error, 3 cloud, daemon or file unavailable.`,
    );
  for (const command of [
    watchCommand,
    rehearseCommand,
    doctorCommand,
    statusCommand,
    reportCommand,
    repairCommand,
    checkCommand,
    sweepCommand,
    pauseCommand,
    resumeCommand,
    taskCommand,
    phaseCommand,
    noteCommand,
    planCommand,
    ansibleCallbackCommand,
    cloudCommand,
    completionCommand,
    versionCommand,
  ]) {
    rollwatch.addCommand(command({ output, finish }), command === rehearseCommand ? { isDefault: true } : {});
  }
  return rollwatch;
}

/** Runs the command in process.argv and returns the exit code. */
export async function main(): Promise<number> {
  let exitCode = 0;
  const { colour, words } = takeColour(process.argv.slice(2));
  const output = processOutput(colour);
  const rollwatch = createProgram(output, (code) => {
    exitCode = code;
  });
  for (const command of [
    rollwatch,
    ...rollwatch.commands,
    ...rollwatch.commands.flatMap((parent) => parent.commands),
  ]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => void print(output.out, text),
      writeErr: (text) => void print(output.err, text),
      outputError: (text) => void print(output.err, usageErrorLine(text, command)),
    });
  }
  try {
    rejectUnknownCommands(rollwatch, words);
    await rollwatch.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof UserError)) throw error;
    await print(output.err, userErrorLine(error));
    return error.exitCode;
  }
  return exitCode;
}

/**
 * Returns the value of `--color`, and the words of the command line without it. It is read before commander parses the
 * command line, because the commands are created with the output that they print to. An invalid value is left to
 * commander, which rejects it.
 */
function takeColour(args: readonly string[]): { readonly colour: ColourChoice; readonly words: readonly string[] } {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const isFlag = (index: number): boolean => index < end && args[index] === '--color';
  const given = args.flatMap((arg, index) => {
    if (isFlag(index)) return [args[index + 1]];
    return index < end && arg.startsWith('--color=') ? [arg.slice('--color='.length)] : [];
  });
  const words = args.filter((arg, index) => !isFlag(index) && !isFlag(index - 1) && !arg.startsWith('--color='));
  return { colour: COLOUR_CHOICES.find((choice) => choice === given.at(-1)) ?? 'auto', words };
}

/** Rewrites an error of commander in the style of the other error messages. */
function usageErrorLine(text: string, command: Command): string {
  const message = printableLine(text)
    .replace(/^error: /, '')
    .replace(
      /^option '(?:-\w, )?(--[\w-]{1,50})[^']{0,200}' argument '(.{0,200}?)' is invalid\. (.{0,500})$/,
      (_, flag, value, expected: string) => {
        const choices = /^Allowed choices are (.*)\.$/.exec(expected)?.[1];
        if (choices === undefined) return `${flag} is '${value}'; ${expected}`;
        return `${flag} is '${value}'; it must be one of ${choices}${suggestion(value, choices.split(', '))}`;
      },
    )
    .replace(
      /^command-argument value '(.{0,200}?)' is invalid for argument '(\w{1,50})'\. Allowed choices are (.{0,500})\.$/,
      (_, value, name, choices: string) =>
        `${name} is '${value}'; it must be one of ${choices}${suggestion(value, choices.split(', '))}`,
    )
    .replace(/ ?\(Did you mean ([^()]{1,200})\?\)$/, '; did you mean $1?');
  const path = command.parent === null ? '' : ` ${pathOf(command)}`;
  const needsHint = message.startsWith('unknown option') && !message.endsWith('?');
  return `rollwatch: ${message}${needsHint ? `; see 'rollwatch${path} --help'` : ''}`;
}

function suggestion(value: string, choices: readonly string[]): string {
  const match = didYouMean(value, choices, 2);
  return match === null ? '' : `; did you mean ${match}?`;
}

/** Returns the names of a command and its parents, such as 'cloud stop'. */
const pathOf = (command: Command): string =>
  command.parent?.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();

/**
 * Rejects unknown commands and subcommands. Commander takes them for arguments of a command that also works without a
 * subcommand: `rollwatch` and `rollwatch cloud`.
 *
 * @throws UserError if a command is unknown
 */
function rejectUnknownCommands(rollwatch: Command, [first, second]: readonly string[]): void {
  const names = [...rollwatch.commands.map((command) => command.name()), 'help'];
  rejectUnless(names, first, first);
  if (first === 'help') rejectUnless(names, second, second);
  const subcommands = rollwatch.commands.find((command) => command.name() === first)?.commands ?? [];
  if (subcommands.length > 0)
    rejectUnless([...subcommands.map((command) => command.name()), 'help'], second, `${first} ${second}`);
}

function rejectUnless(names: readonly string[], name: string | undefined, path: string | undefined): void {
  if (name === undefined || name.startsWith('-') || names.includes(name)) return;
  const match = didYouMean(name, names, 2);
  throw new UserError(
    `unknown command '${path}'; ${match === null ? `the commands are ${listed(names, 'and')}` : `did you mean ${match}?`}`,
  );
}
