import { Command, CommanderError } from 'commander';
import { ansibleCallbackCommand } from './commands/ansible-callback.ts';
import { checkCommand } from './commands/check.ts';
import { cloudCommand } from './commands/cloud.ts';
import { type Output, print, processOutput, refusalLine } from './commands/output.ts';
import { pauseCommand, resumeCommand } from './commands/pause.ts';
import { phaseCommand } from './commands/phase.ts';
import { rehearseCommand } from './commands/rehearse.ts';
import { repairCommand } from './commands/repair.ts';
import { reportCommand } from './commands/report.ts';
import { sweepCommand } from './commands/sweep.ts';
import { taskCommand } from './commands/task.ts';
import { watchCommand } from './commands/watch.ts';
import { Refusal } from './domain/refusal.ts';
import { didYouMean, listed } from './domain/words/did-you-mean.ts';
import { printableLine } from './domain/words/printable.ts';
import { VERSION } from './version.ts';

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
      outputError: (text) => void print(output.err, printableLine(text)),
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

/** As there is a default command, commander would take an unknown one for its argument. */
function refuseUnknown(rollwatch: Command): void {
  const [asked] = process.argv.slice(2);
  const known = [...rollwatch.commands.map((one) => one.name()), 'help'];
  if (asked === undefined || asked.startsWith('-') || known.includes(asked)) return;
  const meant = didYouMean(asked, known);
  throw new Refusal(
    `there is no command '${asked}'; ${meant === null ? `there are ${listed(known, 'and')}` : `did you mean ${meant}?`}`,
  );
}
