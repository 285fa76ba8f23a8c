import { Argument, Command, type Option } from 'commander';
import { loadSettings } from '../config/configuration.ts';
import { UserError } from '../domain/errors.ts';
import { END_MARK } from '../domain/upgrade/phases.ts';
import { print } from '../terminal/output.ts';
import type { CommandFactory } from './command.ts';
import { COMPLETION_SCRIPTS, type CompletedCommand, type CompletedValue, SHELLS } from './completion-scripts.ts';

type CompletionFlags = { readonly config?: string };

export const completionCommand: CommandFactory = ({ output, finish }) =>
  new Command('completion')
    .description('print a script that completes commands, options and values in a shell')
    .addArgument(new Argument('<shell>', 'the shell to complete in').choices(SHELLS))
    .option(
      '--config <file>',
      'configuration file whose plan names the phases (default: ./rollwatch.yaml if it exists)',
    )
    .addHelpText(
      'after',
      `
Examples:
  source <(rollwatch completion bash)                                        in ~/.bashrc
  source <(rollwatch completion zsh)                                         in ~/.zshrc, after compinit
  rollwatch completion fish > ~/.config/fish/completions/rollwatch.fish`,
    )
    .action(async (shell: (typeof SHELLS)[number], { config }: CompletionFlags, command: Command) => {
      const program = command.parent ?? command;
      const shared = program.options.filter((option) => option.long !== '--version').map(toCompletedOption);
      const commands = completedCommands(program, { path: '', shared, phases: plannedPhases(config) });
      await print(output.out, COMPLETION_SCRIPTS[shell](commands));
      finish(0);
    });

/** Returns the phases of the configured plan; none if the configuration has a mistake, as a shell reads the script. */
function plannedPhases(configFile: string | undefined): readonly string[] {
  try {
    return loadSettings({ configFile }).plan.phases.map(({ name }) => name);
  } catch (error) {
    if (error instanceof UserError && configFile === undefined) return [];
    throw error;
  }
}

type Context = {
  readonly path: string;
  /** The options that every command accepts. */
  readonly shared: CompletedCommand['options'];
  readonly phases: readonly string[];
};

/** Describes a command and all below it for the scripts, from what their help shows. */
function completedCommands(command: Command, context: Context): readonly CompletedCommand[] {
  const { path, shared, phases } = context;
  const help = command.createHelp();
  const subcommands = help.visibleCommands(command).filter((sub) => sub.name() !== 'help');
  const own = help.visibleOptions(command).map(toCompletedOption);
  const known = new Set(own.map(({ long }) => long));
  const completed: CompletedCommand = {
    path,
    subcommands: subcommands.map((sub) => ({ name: sub.name(), description: sub.description() })),
    options: [...own, ...shared.filter(({ long }) => !known.has(long))],
    arguments: command.registeredArguments.map((argument) =>
      path === 'phase'
        ? { choices: [...phases, END_MARK], files: false, variadic: false }
        : completedValue(argument.name(), argument),
    ),
  };
  const below = subcommands.flatMap((sub) =>
    completedCommands(sub, { ...context, path: path === '' ? sub.name() : `${path} ${sub.name()}` }),
  );
  return [completed, ...below];
}

function toCompletedOption(option: Option): CompletedCommand['options'][number] {
  const { long, short, description, flags, required } = option;
  const name = /[<[]([\w:-]+)/.exec(flags)?.[1] ?? '';
  // An optional value is never a file or a choice, so what follows is completed as an argument.
  return { long: long ?? '', short: short ?? '', description, value: required ? completedValue(name, option) : null };
}

/** The names of values that are paths. */
const PATHS = ['file', 'folder', 'directory', 'journal', 'log', 'plan', 'damaged', 'new'];

const completedValue = (
  name: string,
  { argChoices = [], variadic }: { readonly argChoices?: readonly string[]; readonly variadic: boolean },
): CompletedValue => ({ choices: argChoices, files: PATHS.includes(name), variadic });
