/** The completion scripts of bash, zsh and fish. */

/** What a value can be: one of the choices, or a path, or anything. */
export type CompletedValue = {
  readonly choices: readonly string[];
  readonly files: boolean;
  /** Whether several values may follow each other. */
  readonly variadic: boolean;
};

type CompletedOption = {
  /** Empty if there is none. */
  readonly long: string;
  readonly short: string;
  readonly description: string;
  /** Null if the option takes no value. */
  readonly value: CompletedValue | null;
};

export type CompletedCommand = {
  /** The names of its parents and itself: 'task follow'; empty for the program. */
  readonly path: string;
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletedOption[];
  readonly arguments: readonly CompletedValue[];
};

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const flagsOf = ({ long, short }: CompletedOption): readonly string[] => [long, short].filter((flag) => flag !== '');

/** Assigns what a value can be to the variables of the bash function. */
const bashValue = ({ choices, files, variadic }: CompletedValue): string =>
  `values=${quoted(choices.join(' '))} files=${files ? '1' : ''} variadic=${variadic ? '1' : ''}`;

/**
 * Returns the script of bash. Its functions look up what is possible in case statements: the words of a command, the
 * values of its options and of its arguments. Bash splits `--option=value` into three words. The script of zsh has the same functions, so no variable
 * is called path: zsh ties that one to PATH.
 */
function bashScript(commands: readonly CompletedCommand[]): string {
  const subcommands = commands.map(
    ({ path, subcommands }) =>
      `    ${quoted(path)}) values=${quoted(subcommands.map(({ name }) => name).join(' '))} ;;`,
  );
  const options = commands.map(
    ({ path, options }) => `    ${quoted(path)}) values=${quoted(options.flatMap(flagsOf).join(' '))} ;;`,
  );
  const optionValues = commands.flatMap(({ path, options }) =>
    options.flatMap((option) => {
      const { value } = option;
      return value === null
        ? []
        : flagsOf(option).map((flag) => `    ${quoted(`${path} ${flag}`)}) ${bashValue(value)} ;;`);
    }),
  );
  const argumentValues = commands.flatMap(({ path, arguments: values }) =>
    values.flatMap((value, index) => {
      // Any further word is another value of a variadic argument.
      const pattern = value.variadic ? `${quoted(`${path} `)}*` : quoted(`${path} ${index}`);
      return value.choices.length > 0 || value.files ? [`    ${pattern}) ${bashValue(value)} ;;`] : [];
    }),
  );
  return `_rollwatch_subcommands() {
  case "$1" in
${subcommands.join('\n')}
    *) values='' ;;
  esac
}

_rollwatch_options() {
  case "$1" in
${options.join('\n')}
    *) values='' ;;
  esac
}

_rollwatch_option_value() {
  case "$1 $2" in
${optionValues.join('\n')}
    *) return 1 ;;
  esac
}

_rollwatch_argument() {
  values='' files=''
  case "$1 $2" in
${argumentValues.join('\n')}
    *) ;;
  esac
}

_rollwatch() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" command_path='' option='' count=0 values='' files='' variadic='' i word
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    [[ "$word" == '=' ]] && continue
    if [[ -n "$option" ]]; then
      if [[ -n "$variadic" && "$word" == -* ]]; then
        option=''
      else
        [[ -n "$variadic" ]] || option=''
        continue
      fi
    fi
    if [[ "$word" == -- ]]; then
      compopt -o default 2>/dev/null
      return
    fi
    if [[ "$word" == -* ]]; then
      _rollwatch_option_value "$command_path" "$word" && option="$word"
      continue
    fi
    _rollwatch_subcommands "$command_path"
    if [[ $count == 0 && " $values " == *" $word "* ]]; then
      command_path="\${command_path:+$command_path }$word"
    else
      ((count += 1))
    fi
  done
  [[ "$cur" == '=' ]] && cur=''
  if [[ -n "$option" && ! (-n "$variadic" && "$cur" == -*) ]]; then
    _rollwatch_option_value "$command_path" "$option"
  elif [[ "$cur" == -* ]]; then
    files=''
    _rollwatch_options "$command_path"
  else
    _rollwatch_subcommands "$command_path"
    if [[ $count != 0 || -z "$values" ]]; then
      _rollwatch_argument "$command_path" "$count"
    fi
  fi
  if [[ -n "$files" ]]; then
    compopt -o default 2>/dev/null
  else
    COMPREPLY=($(compgen -W "$values" -- "$cur"))
  fi
}

complete -F _rollwatch rollwatch
`;
}

/** Returns the script of zsh, which can run completion functions of bash. */
const zshScript = (commands: readonly CompletedCommand[]): string =>
  `autoload -U +X bashcompinit && bashcompinit\n\n${bashScript(commands)}`;

/** Returns the script of fish: one line for each subcommand, option and argument. */
function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ path, subcommands, options, arguments: values }) => {
    const words = path.split(' ').filter((word) => word !== '');
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`);
    const names = subcommands.map(({ name }) => name).join(' ');
    const here = [...seen, ...(names === '' ? [] : [`not __fish_seen_subcommand_from ${names}`])].join('; and ');
    const condition = here === '' ? '' : ` -n ${quoted(here)}`;
    return [
      ...subcommands.map(({ name, description }) => `${condition} -a ${name} -d ${quoted(description)}`),
      ...options.map((option) => {
        const { long, short, description, value } = option;
        const flags = `${long === '' ? '' : ` -l ${long.slice(2)}`}${short === '' ? '' : ` -s ${short.slice(1)}`}`;
        return `${condition}${flags}${value === null ? '' : fishValue(value)} -d ${quoted(description)}`;
      }),
      ...values.flatMap((value) =>
        value.choices.length > 0 || value.files
          ? [`${condition}${value.files ? ' -F' : ` -a ${quoted(value.choices.join(' '))}`}`]
          : [],
      ),
    ];
  });
  return ['complete -c rollwatch -f', ...lines.map((line) => `complete -c rollwatch${line}`), ''].join('\n');
}

/** Returns the arguments of fish's complete for the value of an option. */
const fishValue = ({ choices, files }: CompletedValue): string => {
  if (files) return ' -r -F';
  return choices.length === 0 ? ' -x' : ` -x -a ${quoted(choices.join(' '))}`;
};

export const COMPLETION_SCRIPTS: Readonly<
  Record<(typeof SHELLS)[number], (commands: readonly CompletedCommand[]) => string>
> = { bash: bashScript, zsh: zshScript, fish: fishScript };
