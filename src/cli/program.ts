import { Command, CommanderError } from 'commander';
import { Refusal } from '../domain/user-error.ts';
import { didYouMean, listed } from '../format/did-you-mean.ts';
import { printableLine } from '../format/printable.ts';
import { ansibleCallbackCommand } from './ansible-callback.ts';
import { checkCommand } from './check.ts';
import { cloudCommand } from './cloud.ts';
import { type Output, print, processOutput, refusalLine } from './output.ts';
import { pauseCommand, resumeCommand } from './pause.ts';
import { phaseCommand } from './phase.ts';
import { rehearseCommand } from './rehearse.ts';
import { repairCommand } from './repair.ts';
import { reportCommand } from './report.ts';
import { sweepCommand } from './sweep.ts';
import { taskCommand } from './task.ts';
import { VERSION } from './version.ts';
import { watchCommand } from './watch.ts';

/** The one place that knows every command. What a command gives is the exit code. */
function program(output: Output, finish: (code: number) => void): Command {
  const rollwatch = new Command('rollwatch')
    .description(
      'Watches an OpenStack cloud through a rolling upgrade and says, with error bars, when its users were down.',
    )
    .version(VERSION)
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `
Examples:
  rollwatch                                  rehearse: watch an embedded cloud through an upgrade of a minute
  OS_CLOUD=mycloud rollwatch watch           watch a cloud of clouds.yaml until Ctrl-C
  rollwatch report --journal rollwatch.sqlite
  rollwatch check before                     take stock before the upgrade; check after holds the cloud against it
  rollwatch sweep --dry-run                  which servers of ours are left in the cloud?

Exit codes: 0 fine, 1 verdict or check failed, 2 usage or configuration, 3 could not reach what it needs.`,
    );
  for (const command of [
    watchCommand,
    rehearseCommand,
    reportCommand,
    repairCommand,
    checkCommand,
    sweepCommand,
    pauseCommand,
    resumeCommand,
    taskCommand,
    phaseCommand,
    ansibleCallbackCommand,
    cloudCommand,
  ]) {
    rollwatch.addCommand(command({ output, finish }), command === rehearseCommand ? { isDefault: true } : {});
  }
  return rollwatch;
}

/** Gives the exit code. */
export async function main(): Promise<number> {
  let code = 0;
  const output = processOutput();
  const rollwatch = program(output, (given) => {
    code = given;
  });
  for (const command of [rollwatch, ...rollwatch.commands, ...rollwatch.commands.flatMap((one) => one.commands)]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => void print(output.out, text),
      writeErr: (text) => void print(output.err, text),
      outputError: (text) => void print(output.err, usageLine(text, command)),
    });
  }
  try {
    refuseUnknown(rollwatch);
    await rollwatch.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof Refusal)) throw error;
    await print(output.err, refusalLine(error));
    return error.exitCode;
  }
  return code;
}

/** What commander complains of, as every other refusal reads. */
function usageLine(text: string, command: Command): string {
  const complaint = printableLine(text)
    .replace(/^error: /, '')
    .replace(
      /^option '(?:-\w, )?(--[\w-]{1,50})[^']{0,200}' argument '(.{0,200}?)' is invalid\. (.{0,500})$/,
      (_, flag, value, right: string) =>
        [
          `${flag} is '${value}'; ${right.replace(/^Allowed choices are (.*)\.$/, 'it must be one of $1')}`,
          slip(value, right),
        ].join(''),
    )
    .replace(/ ?\(Did you mean ([^()]{1,200})\?\)$/, '; did you mean $1?');
  const names = command.parent === null ? '' : ` ${pathOf(command)}`;
  const unhelped = complaint.startsWith('unknown option') && !complaint.endsWith('?');
  return `rollwatch: ${complaint}${unhelped ? `; 'rollwatch${names} --help' lists them` : ''}`;
}

function slip(value: string, right: string): string {
  const meant = didYouMean(value, right.match(/[\w-]+/g) ?? [], 2);
  return meant === null ? '' : `; did you mean ${meant}?`;
}

/** 'cloud stop' */
const pathOf = (command: Command): string =>
  command.parent?.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();

/**
 * Where a command does something without a subcommand, commander takes an unknown one for an argument of it: `rollwatch`
 * itself, and `rollwatch cloud`.
 */
function refuseUnknown(rollwatch: Command): void {
  const [first, second] = process.argv.slice(2);
  const known = [...rollwatch.commands.map((one) => one.name()), 'help'];
  refuseUnless(known, first, first);
  if (first === 'help') refuseUnless(known, second, second);
  const below = rollwatch.commands.find((one) => one.name() === first)?.commands ?? [];
  if (below.length > 0) refuseUnless([...below.map((one) => one.name()), 'help'], second, `${first} ${second}`);
}

function refuseUnless(known: readonly string[], asked: string | undefined, shown: string | undefined): void {
  if (asked === undefined || asked.startsWith('-') || known.includes(asked)) return;
  const meant = didYouMean(asked, known, 2);
  throw new Refusal(
    `there is no command '${shown}'; ${meant === null ? `there are ${listed(known, 'and')}` : `did you mean ${meant}?`}`,
  );
}
