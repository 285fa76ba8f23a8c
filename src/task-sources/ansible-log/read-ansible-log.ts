import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Task } from '../../domain/upgrade/task.ts';
import { Refusal } from '../../domain/user-error.ts';
import { createAnsibleParser } from '../detect.ts';
import { createLineSplitter } from '../line-splitter.ts';
import { plain } from '../task-name.ts';

/** Where none of so many lines is Ansible's, none will be. */
const ENOUGH = 5000;

const CHUNK = 256 * 1024;

/**
 * The tasks of a whole file: Ansible's log or the output of `ansible.posix.jsonl`. A task whose end the file doesn't
 * tell comes last, as `unknown`; one may come again when more is known of it, with the same id.
 * Throws a `Refusal` for a file that cannot be read or is neither, and for a zone that doesn't exist.
 */
export async function* readAnsibleLog(
  file: string,
  { zone, onNote }: { readonly zone: string; readonly onNote: (note: string) => void },
): AsyncGenerator<Task> {
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
  for (const note of parser.notes()) onNote(`${file}: ${note}`);
}

const isOver = ({ status }: Task): boolean => status !== 'running';

async function* linesOf(file: string): AsyncGenerator<readonly string[]> {
  const splitter = createLineSplitter();
  // Without O_NONBLOCK opening a pipe waits until somebody opens its other end.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) =>
    unreadable(file, error),
  );
  try {
    const found = await handle.stat();
    if (!found.isFile() && !found.isFIFO() && !found.isDirectory())
      throw new Refusal(`${file} cannot be read: it is a device, where a file is wanted`);
    const buffer = new Uint8Array(CHUNK);
    for (let read = await fill(handle, buffer, file); read > 0; read = await fill(handle, buffer, file)) {
      yield splitter.push(buffer.subarray(0, read));
    }
    yield splitter.flush();
  } finally {
    await handle.close();
  }
}

/** For whoever writes into a pipe to write more, in milliseconds. */
const PIPE_PATIENCE_MS = 10_000;
const PIPE_POLL_MS = 20;

async function fill(handle: FileHandle, buffer: Uint8Array, file: string): Promise<number> {
  for (let waited = 0; ; waited += PIPE_POLL_MS) {
    const read = await handle
      .read(buffer, 0, buffer.length)
      .catch((error: unknown) => (codeOf(error) === 'EAGAIN' ? null : unreadable(file, error)));
    if (read !== null) return read.bytesRead;
    if (waited >= PIPE_PATIENCE_MS)
      throw new Refusal(`${file} is a pipe, and nobody wrote into it for ${PIPE_PATIENCE_MS / 1000} s`);
    await sleep(PIPE_POLL_MS);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'cannot be read: permission denied',
  EPERM: 'cannot be read: permission denied',
  EISDIR: 'cannot be read: it is a directory',
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';

function unreadable(file: string, error: unknown): never {
  const code = codeOf(error);
  throw new Refusal(`${file} ${REASONS[code] ?? `cannot be read: ${code}`}`);
}

const unknownFormat = (file: string, first: string | null): Refusal =>
  new Refusal(
    `${file} is no log of Ansible: ${first === null ? 'it is empty' : `it begins with "${plain(first).slice(0, 60)}"`}; ` +
      'give the file that ANSIBLE_LOG_PATH names, or the output of ANSIBLE_STDOUT_CALLBACK=ansible.posix.jsonl',
  );
