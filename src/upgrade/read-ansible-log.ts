import { type FileHandle, open } from 'node:fs/promises';
import { Refusal } from '../domain/refusal.ts';
import type { Task } from '../domain/task.ts';
import { createAnsibleParser } from './detect.ts';
import { createLineSplitter } from './line-splitter.ts';
import { plain } from './task-name.ts';

/** Where none of so many lines is Ansible's, none will be. */
const ENOUGH = 5000;

const CHUNK = 256 * 1024;

/**
 * The tasks of a whole file: Ansible's log or the output of `ansible.posix.jsonl`. A task whose end the file doesn't
 * tell comes last, as `unknown`; one may come again when more is known of it, with the same id.
 * Throws a `Refusal` for a file that cannot be read or is neither, and for a zone that doesn't exist.
 */
export async function* readAnsibleLog(file: string, { zone }: { readonly zone: string }): AsyncGenerator<Task> {
  const parser = createAnsibleParser({ zone });
  let first: string | null = null;
  for await (const lines of linesOf(file)) {
    first ??= lines.find((line) => line.trim() !== '') ?? null;
    yield* lines.flatMap((line) => parser.line(line)).filter(isOver);
    const { recognised, skipped } = parser.lines();
    if (recognised === 0 && skipped >= ENOUGH) break;
  }
  if (parser.lines().recognised === 0) throw unknownFormat(file, first);
  yield* parser.end();
}

const isOver = ({ status }: Task): boolean => status !== 'running';

async function* linesOf(file: string): AsyncGenerator<readonly string[]> {
  const splitter = createLineSplitter();
  const handle = await open(file).catch((error: unknown) => unreadable(file, error));
  try {
    const buffer = new Uint8Array(CHUNK);
    for (let read = await fill(handle, buffer, file); read > 0; read = await fill(handle, buffer, file)) {
      yield splitter.push(buffer.subarray(0, read));
    }
    yield splitter.flush();
  } finally {
    await handle.close();
  }
}

const fill = async (handle: FileHandle, buffer: Uint8Array, file: string): Promise<number> =>
  (await handle.read(buffer, 0, buffer.length).catch((error: unknown) => unreadable(file, error))).bytesRead;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'cannot be read: permission denied',
  EPERM: 'cannot be read: permission denied',
  EISDIR: 'cannot be read: it is a directory',
};

function unreadable(file: string, error: unknown): never {
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
  throw new Refusal(`${file} ${REASONS[code] ?? `cannot be read: ${code}`}`);
}

const unknownFormat = (file: string, first: string | null): Refusal =>
  new Refusal(
    `${file} is no log of Ansible: ${first === null ? 'it is empty' : `it begins with "${plain(first).slice(0, 60)}"`}; ` +
      'give the file that ANSIBLE_LOG_PATH names, or the output of ANSIBLE_STDOUT_CALLBACK=ansible.posix.jsonl',
  );
