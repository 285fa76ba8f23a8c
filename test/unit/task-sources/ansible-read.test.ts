import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Task } from '../../../src/domain/upgrade/task.ts';
import { Refusal } from '../../../src/domain/user-error.ts';
import { createAnsibleJsonlParser } from '../../../src/task-sources/ansible-jsonl/ansible-jsonl.ts';
import { createAnsibleLogParser } from '../../../src/task-sources/ansible-log/ansible-log.ts';
import { readAnsibleLog } from '../../../src/task-sources/ansible-log/read-ansible-log.ts';
import { parse, row, sample, samplePath, settled } from './told.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollwatch-ansible-'));
});
afterAll(() => rm(folder, { recursive: true }));

const write = async (text: string): Promise<string> => {
  const file = join(folder, `log-${Math.random()}`);
  await writeFile(file, text);
  return file;
};

const read = async (file: string, zone = 'Europe/Berlin'): Promise<readonly Task[]> =>
  Array.fromAsync(readAnsibleLog(file, { zone, onNote: () => {} }));

const HINT = 'give the file that ANSIBLE_LOG_PATH names, or the output of ANSIBLE_STDOUT_CALLBACK=ansible.posix.jsonl';

describe('a file of Ansible', () => {
  it.each(['core-2.14.log', 'core-2.18-yaml.log', 'serial-jsonl.log'])('that is a log is read: %s', async (name) => {
    const told = parse(createAnsibleLogParser({ zone: 'Europe/Berlin' }), sample(name));
    expect(await read(samplePath(name))).toEqual(told);
  });

  it('that is the output of ansible.posix.jsonl is read, with what was told again', async () => {
    const told = parse(createAnsibleJsonlParser(), sample('ignored.jsonl'));
    expect(settled(await read(samplePath('ignored.jsonl')))).toEqual(told);
  });

  it('tells no task that still runs, and at its end those that nobody ended', async () => {
    expect((await read(samplePath('killed.log'))).map(row)).toEqual([
      '14:46:27.232 +577 task ok Quick (nova1 nova2)',
      '14:47:08.217 +223 task ok Quick (nova1 nova2)',
      '14:47:08.440 +2438 task unknown Long ()',
      '14:46:27.809 ? task unknown Long ()',
    ]);
  });

  it('may begin with other lines, and have line ends of Windows, a byte order mark and none at its end', async () => {
    const text = sample('core-2.14.log').trimEnd().replaceAll('\n', '\r\n');
    const file = await write(`\uFEFF${'warning\n'.repeat(4000)}${text}`);
    expect((await read(file)).map(row)).toEqual((await read(samplePath('core-2.14.log'))).map(row));
  });

  it.each([
    ['empty', '', 'it is empty'],
    ['something else', '\nJun  1 host sshd[1]: \u001b[1mhello\n', 'it begins with "Jun  1 host sshd[1]: [1mhello"'],
    ['long', `${'x'.repeat(80)}\n`, `it begins with "${'x'.repeat(60)}"`],
  ])('that is %s is refused', async (_, text, found) => {
    const file = await write(text);
    await expect(read(file)).rejects.toThrow(new Refusal(`${file} is no log of Ansible: ${found}; ${HINT}`));
  });

  it('is refused if none of 5,000 lines is Ansible’s', async () => {
    const file = await write(`${'x\n'.repeat(400_000)}${sample('core-2.14.log')}`);
    await expect(read(file)).rejects.toThrow(new Refusal(`${file} is no log of Ansible: it begins with "x"; ${HINT}`));
  });

  it('that is missing, or no file, or of an unknown zone, is refused', async () => {
    const missing = join(folder, 'missing');
    await expect(read(missing)).rejects.toThrow(new Refusal(`${missing} does not exist`));
    await expect(read(folder)).rejects.toThrow(new Refusal(`${folder} cannot be read: it is a directory`));
    await expect(read(samplePath('core-2.14.log'), 'Mars/Olympus')).rejects.toThrow(Refusal);
  });
});
