import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLineSplitter, type LineSplitter } from './line-splitter.ts';

export type FollowOptions = {
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
  /** Called when a file is opened: the first one, and after a rotation. */
  readonly onOpen?: (from: 'start' | 'end') => void;
  /** Milliseconds between polls. */
  readonly pollInterval?: number;
  /** Where to start in an existing file; `end` by default. A file that is created later is read from its start. */
  readonly from?: 'start' | 'end';
};

type OpenFile = {
  readonly handle: FileHandle;
  readonly device: bigint;
  readonly inode: bigint;
  readonly splitter: LineSplitter;
  /** The offset up to which the file has been read. */
  position: number;
  /** Whether reading started in the middle of a line, the rest of which is discarded. */
  isMidLine: boolean;
};

const CHUNK_BYTES = 64 * 1024;

/**
 * Calls `onLine` for each complete line that is written to a file, like `tail -F`, until `signal` aborts. The file may
 * be created later, removed, rotated (the rest of the old file is read first) and truncated.
 *
 * Ansible keeps writing to a file that was renamed, so the latest rotated file is still followed beside the new one.
 * Lines written between the last poll and a truncation are lost. A file that is truncated and outgrows its old size
 * within one poll interval is not recognised as truncated.
 *
 * Rejects only with what `onLine` throws.
 */
export async function followFile(
  path: string,
  { signal, onLine, onOpen, pollInterval = 250, from = 'end' }: FollowOptions,
): Promise<void> {
  const files: { current: OpenFile | null; rotated: OpenFile | null } = { current: null, rotated: null };
  let startAtEnd = from === 'end';

  const emit = (lines: readonly string[], file: OpenFile): void => {
    for (const line of lines) {
      if (!file.isMidLine && !signal.aborted) onLine(line);
      file.isMidLine = false;
    }
  };

  const close = async (which: 'current' | 'rotated'): Promise<void> => {
    const file = files[which];
    files[which] = null;
    if (file === null) return;
    await file.handle.close().catch(ignore);
    emit(file.splitter.flush(), file);
  };

  /** Reads to the end of the file; returns false if it can no longer be read. */
  const readNew = async (file: OpenFile): Promise<boolean> => {
    const size = await file.handle.stat().then((stats) => stats.size, ignore);
    if (size === undefined) return false;
    if (size < file.position) {
      emit(file.splitter.flush(), file);
      file.position = 0;
      file.isMidLine = false;
    }
    const buffer = new Uint8Array(CHUNK_BYTES);
    while (!signal.aborted) {
      const read = await file.handle.read(buffer, 0, CHUNK_BYTES, file.position).catch(ignore);
      if (read === undefined) return false;
      if (read.bytesRead === 0) return true;
      file.position += read.bytesRead;
      emit(file.splitter.push(buffer.subarray(0, read.bytesRead)), file);
    }
    return true;
  };

  const readOrClose = async (which: 'current' | 'rotated'): Promise<void> => {
    const file = files[which];
    if (file !== null && !(await readNew(file))) await close(which);
  };

  const pollOnce = async (): Promise<void> => {
    const stats = await stat(path, { bigint: true }).catch(ignore);
    await readOrClose('rotated');
    await readOrClose('current');
    if (stats?.isFile() && (files.current === null || !isSame(files.current, stats))) {
      await close('rotated');
      files.rotated = files.current;
      files.current = await openFile(path, startAtEnd);
      if (files.current !== null) onOpen?.(startAtEnd ? 'end' : 'start');
      await readOrClose('current');
    }
    startAtEnd = false;
  };

  try {
    while (!signal.aborted) {
      await pollOnce();
      await sleep(pollInterval, undefined, { signal }).catch(ignore);
    }
  } finally {
    await files.rotated?.handle.close().catch(ignore);
    await files.current?.handle.close().catch(ignore);
  }
}

/** Ignores a file that is gone, or an aborted sleep. */
const ignore = (): undefined => undefined;

const isSame = ({ device, inode }: OpenFile, { dev, ino }: BigIntStats): boolean => device === dev && inode === ino;

async function openFile(path: string, atEnd: boolean): Promise<OpenFile | null> {
  const handle = await open(path).catch(ignore);
  const stats = await handle?.stat({ bigint: true }).catch(ignore);
  if (handle === undefined || stats === undefined) return null;
  const position = atEnd ? Number(stats.size) : 0;
  const isMidLine = position > 0 && !(await isLineStart(handle, position));
  return { handle, device: stats.dev, inode: stats.ino, splitter: createLineSplitter(), position, isMidLine };
}

const isLineStart = async (handle: FileHandle, position: number): Promise<boolean> => {
  const before = await handle.read(new Uint8Array(1), 0, 1, position - 1).catch(ignore);
  return before?.buffer[0] === 0x0a;
};
