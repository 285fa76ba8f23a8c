import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../../src/domain/errors.ts';
import type { Task } from '../../../src/domain/upgrade/task.ts';
import { createAnsibleJsonlParser } from '../../../src/task-sources/ansible-jsonl.ts';
import { createAnsibleLogParser } from '../../../src/task-sources/ansible-log/ansible-log.ts';
import { readAnsibleLog } from '../../../src/task-sources/ansible-log/read-ansible-log.ts';
import { latestOf, parse, row, sample, samplePath } from './task-samples.ts';

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

const HINT = 'use the file that ANSIBLE_LOG_PATH names, or the output of ANSIBLE_STDOUT_CALLBACK=ansible.posix.jsonl';

describe('a file of Ansible', () => {
  it.each(['core-2.14.log', 'core-2.18-yaml.log', 'serial-jsonl.log'])('that is a log is read: %s', async (name) => {
    const expected = parse(createAnsibleLogParser({ zone: 'Europe/Berlin' }), sample(name));
    expect(await read(samplePath(name))).toEqual(expected);
  });

  it('that is the output of ansible.posix.jsonl is read, with corrected tasks', async () => {
    const expected = parse(createAnsibleJsonlParser(), sample('ignored.jsonl'));
    expect(latestOf(await read(samplePath('ignored.jsonl')))).toEqual(expected);
  });

  it('has no running tasks, and tasks without an end come last', async () => {
    expect((await read(samplePath('killed.log'))).map(row)).toEqual([
      '14:46:27.232 +577 task ok Quick (nova1 nova2)',
      '14:47:08.217 +223 task ok Quick (nova1 nova2)',
      '14:47:08.440 +2438 task unknown Long ()',
      '14:46:27.809 ? task unknown Long ()',
    ]);
  });

  it('may start with other lines, and have Windows line ends, a byte order mark and no final line end', async () => {
    const text = sample('core-2.14.log').trimEnd().replaceAll('\n', '\r\n');
    const file = await write(`\uFEFF${'warning\n'.repeat(4000)}${text}`);
    expect((await read(file)).map(row)).toEqual((await read(samplePath('core-2.14.log'))).map(row));
  });

  it.each([
    ['empty', '', 'it is empty'],
    ['something else', '\nJun  1 host sshd[1]: \u001b[1mhello\n', 'it starts with "Jun  1 host sshd[1]: [1mhello"'],
    ['long', `${'x'.repeat(80)}\n`, `it starts with "${'x'.repeat(60)}"`],
  ])('that is %s is refused', async (_, text, found) => {
    const file = await write(text);
    await expect(read(file)).rejects.toThrow(new UserError(`${file} is not an Ansible log: ${found}; ${HINT}`));
  });

  it('is refused if none of the first 5,000 lines is Ansible’s', async () => {
    const file = await write(`${'x\n'.repeat(400_000)}${sample('core-2.14.log')}`);
    await expect(read(file)).rejects.toThrow(
      new UserError(`${file} is not an Ansible log: it starts with "x"; ${HINT}`),
    );
  });

  it('that is missing, a directory or in an unknown zone is refused', async () => {
    const missing = join(folder, 'missing');
    await expect(read(missing)).rejects.toThrow(new UserError(`${missing} does not exist`));
    await expect(read(folder)).rejects.toThrow(new UserError(`${folder} cannot be read: it is a directory`));
    await expect(read(samplePath('core-2.14.log'), 'Mars/Olympus')).rejects.toThrow(UserError);
  });
});
