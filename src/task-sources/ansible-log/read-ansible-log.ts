import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../domain/errors.ts';
import type { Task } from '../../domain/upgrade/task.ts';
import { createAnsibleParser } from '../ansible-parser.ts';
import { createLineSplitter } from '../line-splitter.ts';
import { plain } from '../task-parser.ts';

/** If none of the first lines is Ansible's, the rest of the file is not read. */
const DETECTION_LINES = 5000;

const CHUNK_BYTES = 256 * 1024;

/**
 * Yields the tasks of a file: Ansible's log or the output of `ansible.posix.jsonl`. Tasks without an end come last, as
 * `unknown`. A task that is corrected is yielded again with the same id.
 *
 * @throws UserError if the file cannot be read or has neither format, or if the zone is unknown
 */
export async function* readAnsibleLog(
  file: string,
  { zone, onNote }: { readonly zone: string; readonly onNote: (note: string) => void },
): AsyncGenerator<Task> {
  const parser = createAnsibleParser({ zone });
  let firstLine: string | null = null;
  for await (const lines of linesOf(file)) {
    firstLine ??= lines.find((line) => line.trim() !== '') ?? null;
    yield* lines.flatMap((line) => parser.line(line)).filter(hasEnded);
    const { recognised, skipped } = parser.lines();
    if (recognised === 0 && skipped >= DETECTION_LINES) break;
  }
  if (parser.lines().recognised === 0) throw unknownFormatError(file, firstLine);
  yield* parser.end();
  for (const note of parser.notes()) onNote(`${file}: ${note}`);
}

const hasEnded = ({ status }: Task): boolean => status !== 'running';

async function* linesOf(file: string): AsyncGenerator<readonly string[]> {
  const splitter = createLineSplitter();
  // Without O_NONBLOCK, opening a pipe blocks until its other end is open.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) =>
    throwReadError(file, error),
  );
  try {
    const stats = await handle.stat();
    if (!stats.isFile() && !stats.isFIFO() && !stats.isDirectory())
      throw new UserError(`${file} cannot be read: it is a device, not a file`);
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (let bytes = await read(handle, buffer, file); bytes > 0; bytes = await read(handle, buffer, file)) {
      yield splitter.push(buffer.subarray(0, bytes));
    }
    yield splitter.flush();
  } finally {
    await handle.close();
  }
}

/** How long to wait for more data in a pipe. */
const PIPE_TIMEOUT_MS = 10_000;
const PIPE_POLL_MS = 20;

/** Returns the number of bytes read, 0 at the end of the file. */
async function read(handle: FileHandle, buffer: Uint8Array, file: string): Promise<number> {
  for (let waited = 0; ; waited += PIPE_POLL_MS) {
    const result = await handle
      .read(buffer, 0, buffer.length)
      .catch((error: unknown) => (codeOf(error) === 'EAGAIN' ? null : throwReadError(file, error)));
    if (result !== null) return result.bytesRead;
    if (waited >= PIPE_TIMEOUT_MS)
      throw new UserError(`${file} is a pipe and has had no data for ${PIPE_TIMEOUT_MS / 1000} s`);
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

function throwReadError(file: string, error: unknown): never {
  const code = codeOf(error);
  throw new UserError(`${file} ${REASONS[code] ?? `cannot be read: ${code}`}`);
}

function unknownFormatError(file: string, firstLine: string | null): UserError {
  const content = firstLine === null ? 'it is empty' : `it starts with "${plain(firstLine).slice(0, 60)}"`;
  return new UserError(
    `${file} is not an Ansible log: ${content}; ` +
      'use the file that ANSIBLE_LOG_PATH names, or the output of ANSIBLE_STDOUT_CALLBACK=ansible.posix.jsonl',
  );
}
