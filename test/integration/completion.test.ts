/** Completion in a real bash: what the functions offer, and what the Tab key types on a terminal. */

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discard } from '../support/daemon.ts';
import { rollwatch } from '../support/rollwatch.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollwatch-completion-'));
const script = join(folder, 'completion.bash');

beforeAll(async () => {
  const { code, out, err } = await rollwatch(['completion', 'bash'], { folder });
  expect([code, err]).toEqual([0, '']);
  writeFileSync(script, out);
  writeFileSync(join(folder, 'our-plan.yaml'), 'phases: [{name: first}, {name: last}]\n');
  writeFileSync(join(folder, 'our.yaml'), 'plan: ./our-plan.yaml\n');
});

afterAll(() => discard(folder));

/** Returns what bash offers for the last of the words, sorted. */
function offered(words: readonly string[], source = script): readonly string[] {
  const program = `source "$1"; shift; COMP_WORDS=(rollwatch "$@"); COMP_CWORD=$#; _rollwatch; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync('bash', ['--norc', '-c', program, 'bash', source, ...words], { encoding: 'utf8' });
  return out
    .split('\n')
    .filter((word) => word !== '')
    .toSorted();
}

describe('bash offers', () => {
  it.each([
    [['sta'], ['status']],
    [['re'], ['rehearse', 'repair', 'report', 'resume']],
    [
      ['check', ''],
      ['after', 'before', 'clean'],
    ],
    [['task', 'f'], ['follow']],
    [
      ['cloud', 'stop', 'nova-co'],
      ['nova-compute1', 'nova-compute2', 'nova-compute3', 'nova-conductor'],
    ],
    [['cloud', 'fault', 'k'], ['keystone']],
    [
      ['phase', ''],
      ['computes', 'end', 'finish', 'maintenance', 'pre-maintenance'],
    ],
    [
      ['completion', ''],
      ['bash', 'fish', 'zsh'],
    ],
    [
      ['status', '--'],
      ['--color', '--help', '--json', '--token-file', '--url'],
    ],
    [
      ['report', '--format', 'j'],
      ['json', 'junit'],
    ],
    [['report', '--format', '=', 'te'], ['text']],
    [
      ['report', '--format', '='],
      ['csv', 'html', 'json', 'junit', 'markdown', 'text', 'ticket'],
    ],
    [['check', 'after', '--color', 'never', '--on'], ['--only']],
    [['check', 'after', '--only', 'services', 'o'], ['orphans']],
    [['check', 'after', '--only', 'services', '--js'], ['--json']],
    [
      ['--color', ''],
      ['always', 'auto', 'never'],
    ],
    [['--color', 'never', 'swe'], ['sweep']],
    [['--color', '=', 'never', 'swe'], ['sweep']],
    // What can be anything, and what is over.
    [['status', '--url', ''], []],
    [['pause', ''], []],
    [['task', 'start', ''], []],
    [['phase', 'finish', ''], []],
  ] as const)('for %j: %j', (words, expected) => {
    expect(offered(words)).toEqual(expected);
  });

  it('the options that the help of each command has', { timeout: 60_000 }, async () => {
    const { out } = await rollwatch(['task', 'follow', '--help'], { folder });
    const options = [...out.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, name = '']) => name);
    expect(options.length).toBeGreaterThan(4);
    expect(offered(['task', 'follow', '--'])).toEqual([...options, '--color'].toSorted());
  });

  it('the phases of the configured plan', async () => {
    const { out } = await rollwatch(['completion', 'bash', '--config', 'our.yaml'], { folder });
    writeFileSync(join(folder, 'ours.bash'), out);
    expect(offered(['phase', ''], join(folder, 'ours.bash'))).toEqual(['end', 'first', 'last']);
  });
});

/** A Python program that types lines into an interactive bash on a terminal, and copies what it prints. */
const TYPE_ON_PTY = `
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])
for line in sys.argv[1:]:
    os.write(fd, (line + '\\n').encode())
    seen = b''
    while b'DONE<' not in seen.replace(b"'DONE<", b''):
        seen += os.read(fd, 65536)
    os.write(1, seen)
os.write(fd, b'exit\\n')
os.waitpid(pid, 0)
`;

it('the Tab key completes commands, values after an equals sign, and files', async () => {
  const lines = [
    `source ${script}; rollwatch() { printf 'DONE<%s>\\n' "$*"; }; printf 'DONE<>\\n'`,
    'rollwatch stat\t',
    'rollwatch report --format=mark\t',
    'rollwatch watch --config our.y\t',
    'rollwatch --color nev\tpha\tmaint\t',
    'rollwatch task run x -- cat our-p\t',
  ];
  const child = spawn('python3', ['-c', TYPE_ON_PTY, ...lines], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, TERM: 'dumb', PS1: '$ ' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const written = await text(child.stdout);
  expect([...written.matchAll(/^DONE<(.*)>\r$/gm)].map(([, typed]) => typed)).toEqual([
    '',
    'status',
    'report --format=markdown',
    'watch --config our.yaml',
    '--color never phase maintenance',
    'task run x -- cat our-plan.yaml',
  ]);
});

it('fish gets each command, option and choice, and zsh runs the functions of bash', async () => {
  const fish = (await rollwatch(['completion', 'fish'], { folder })).out.split('\n');
  expect(fish).toContain(
    "complete -c rollwatch -n '__fish_seen_subcommand_from task; and not __fish_seen_subcommand_from run start end follow' -a start -d 'report the start of a task; prints its id'",
  );
  expect(fish).toContain(
    "complete -c rollwatch -n '__fish_seen_subcommand_from report' -l fail-on -x -a 'fail not-proven' -d 'exit with 1 on this verdict or a worse one, and always on not-judged'",
  );
  expect(fish).toContain(
    "complete -c rollwatch -n '__fish_seen_subcommand_from phase' -a 'pre-maintenance maintenance computes finish end'",
  );
  const [zsh, bash] = [
    await rollwatch(['completion', 'zsh'], { folder }),
    await rollwatch(['completion', 'bash'], { folder }),
  ];
  expect(zsh.out).toBe(`autoload -U +X bashcompinit && bashcompinit\n\n${bash.out}`);
});
