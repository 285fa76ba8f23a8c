import { Command } from 'commander';
import { damageText } from '../format/damage.ts';
import { counted } from '../format/quantities.ts';
import { repair } from '../journal/sqlite/repair.ts';
import { print } from '../terminal/output.ts';
import type { CommandFactory } from './command.ts';

export const repairCommand: CommandFactory = ({ output, finish }) =>
  new Command('repair')
    .description('copy the readable part of a damaged journal into a new journal; the damaged file is not changed')
    .argument('<damaged>', 'journal to read')
    .argument('<new>', 'journal to create; it must not exist yet')
    .option('--json', 'print what was recovered, and what was not, as JSON')
    .addHelpText(
      'after',
      `
Examples:
  rollwatch repair rollwatch.sqlite repaired.sqlite
  rollwatch report --journal repaired.sqlite

Exit code 3: the file contains no readable part of a journal.`,
    )
    .action(async (damaged: string, fresh: string, { json = false }: { readonly json?: boolean }) => {
      const { rows, damage } = repair(damaged, fresh);
      const recovered = [...rows].filter(([, count]) => count > 0);
      const text = [
        `Recovered from ${damaged} into ${fresh}: ${recovered.map(([table, count]) => `${counted(count, 'row')} of ${table}`).join(', ')}.`,
        damage.length === 0 ? 'No damage was found.' : `Unreadable: ${damageText(damage)}.`,
      ].join('\n');
      await print(output.out, json ? JSON.stringify({ rows: Object.fromEntries(rows), damage }, null, 2) : text);
      finish(0);
    });
