import { Command, InvalidArgumentError, Option } from 'commander';
import { GROUPS } from '../checks/run.ts';
import { clean } from './check-clean.ts';
import type { CheckFlags } from './check-flags.ts';
import { look } from './check-run.ts';
import type { CommandFactory } from './command.ts';

const EXAMPLES = `
Examples:
  OS_CLOUD=mycloud rollwatch check before
  OS_CLOUD=mycloud rollwatch check after --only services orphans
  OS_CLOUD=mycloud rollwatch check before --tempest --tempest-workspace ~/workspace
  OS_CLOUD=mycloud rollwatch check after --only tempest --tempest 'tempest\\.api\\.compute\\.servers'
  OS_CLOUD=mycloud rollwatch check after --url http://127.0.0.1:9774 --json
  OS_CLOUD=mycloud rollwatch check clean

Exit code 1: something fails that did not fail before.`;

export const checkCommand: CommandFactory = ({ output, finish }) => {
  const check = new Command('check')
    .description('before and after an upgrade: is it the same cloud?')
    .addHelpText('after', EXAMPLES);
  const stages = [
    ['before', 'take stock, and leave servers that are to live through the upgrade'],
    ['after', 'look again, and hold it against what was found before'],
    ['clean', 'delete what the checks have left'],
  ] as const;
  for (const [name, description] of stages) {
    const command = new Command(name)
      .description(description)
      .option('--config <file>', 'rollwatch.yaml')
      .option('--journal <file>', 'where it is kept (default: as the configuration says)')
      .option('--json', '{ok, checks: [{name, status: pass|fail|skip, detail, before, seconds}], tempest}');
    if (name !== 'clean') {
      command
        .addOption(
          new Option('--format <format>', 'how to write it').choices(['text', 'json', 'junit']).default('text'),
        )
        .addOption(new Option('--only <group...>', 'these checks alone').choices(GROUPS))
        .option('--url <url>', 'a daemon is at work on the journal: tell it')
        .option('--token-file <file>', 'the token of that daemon')
        .option('--keep <servers>', 'how many servers are to live through the upgrade', wholeNumber)
        .option('--tempest [regex]', 'run an installed Tempest, too: its smoke tests, or those that match')
        .option('--tempest-workspace <folder>', "where Tempest's etc/tempest.conf is (default: as Tempest finds it)");
    }
    check.addCommand(
      command.action(async (flags: CheckFlags) => {
        const ok = name === 'clean' ? await clean(flags, output) : await look(name, flags, output);
        finish(ok ? 0 : 1);
        // What waits for a second look does not keep the command.
        setImmediate(() => process.exit());
      }),
    );
  }
  return check;
};

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 50)
    throw new InvalidArgumentError('a number from 1 to 50 is wanted');
  return value;
}
