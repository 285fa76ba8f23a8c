import { Command } from 'commander';
import { damageText } from '../format/damage.ts';
import { counted } from '../format/quantities.ts';
import { repair } from '../journal/sqlite/repair.ts';
import type { CommandFactory } from './command.ts';
import { print } from './output.ts';

export const repairCommand: CommandFactory = ({ output, finish }) =>
  new Command('repair')
    .description('write what can be read of a damaged journal into a new one; the damaged one stays as it is')
    .argument('<damaged>', 'the journal to read')
    .argument('<new>', 'the journal to write; it must not exist yet')
    .option('--json', 'print what was found, and what was not, as JSON')
    .addHelpText(
      'after',
      `
Examples:
  rollwatch repair rollwatch.sqlite repaired.sqlite
  rollwatch report --journal repaired.sqlite

Exit code 3: nothing of a journal was found in the file.`,
    )
    .action(async (damaged: string, fresh: string, { json = false }: { readonly json?: boolean }) => {
      const { rows, damage } = repair(damaged, fresh);
      const found = [...rows].filter(([, count]) => count > 0);
      const text = [
        `${fresh} holds what could be read of ${damaged}: ${found.map(([table, count]) => `${counted(count, 'row')} of ${table}`).join(', ')}.`,
        damage.length === 0 ? 'No damage was found.' : `Not readable: ${damageText(damage)}.`,
      ].join('\n');
      await print(output.out, json ? JSON.stringify({ rows: Object.fromEntries(rows), damage }, null, 2) : text);
      finish(0);
    });
