import { Command } from 'commander';
import { print } from '../terminal/output.ts';
import { VERSION } from '../version.ts';
import type { CommandFactory } from './command.ts';

export const versionCommand: CommandFactory = ({ output, finish }) =>
  new Command('version')
    .description('print the versions of Rollwatch and Node.js, for a bug report')
    .option('--json', 'print {version, node, platform, arch}')
    .addHelpText('after', '\nExample:\n  rollwatch version --json')
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const { version: node, platform, arch } = process;
      const text = `rollwatch ${VERSION} (Node.js ${node}, ${platform} ${arch})`;
      await print(output.out, json ? JSON.stringify({ version: VERSION, node, platform, arch }) : text);
      finish(0);
    });
