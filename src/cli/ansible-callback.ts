import { copyFileSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { UserError } from '../domain/errors.ts';
import { print } from '../terminal/output.ts';
import type { CommandFactory } from './command.ts';

const PLUGIN_FILE = new URL('../../ansible/callback_plugins/rollwatch.py', import.meta.url);

export const ansibleCallbackCommand: CommandFactory = ({ output, finish }) =>
  new Command('ansible-callback')
    .description('copy the Ansible callback plugin (one Python file) into a directory')
    .argument('<directory>', 'directory that Ansible searches for callback plugins; created if missing')
    .addHelpText('after', '\nExample:\n  rollwatch ansible-callback /etc/openstack_deploy/callback_plugins')
    .action(async (directory: string) => {
      const file = join(resolve(directory), 'rollwatch.py');
      try {
        mkdirSync(directory, { recursive: true });
        copyFileSync(PLUGIN_FILE, file);
      } catch (error) {
        throw new UserError(`cannot write ${file}: ${error instanceof Error ? error.message : error}`);
      }
      await print(
        output.out,
        `${file}
Enable it where Ansible runs (openstack-ansible: in /etc/openstack_deploy/user.rc):
  export ANSIBLE_CALLBACK_PLUGINS=${resolve(directory)}
  export ANSIBLE_CALLBACKS_ENABLED=rollwatch
  export ROLLWATCH_URL=http://127.0.0.1:9774`,
      );
      finish(0);
    });
