import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLineSplitter, type LineSplitter } from './line-splitter.ts';

export type FollowOptions = {
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
  /** Milliseconds between two looks at the file. */
  readonly poll?: number;
  /** Where in a file that is there already; `end` by default. One that comes later is read from its start. */
  readonly from?: 'start' | 'end';
};

type Followed = {
  readonly handle: FileHandle;
  readonly device: bigint;
  readonly inode: bigint;
  readonly splitter: LineSplitter;
  /** Up to here it was read. */
  position: number;
  /** Reading began in the midst of a line: what comes up to its end is no line. */
  torn: boolean;
};

const CHUNK = 64 * 1024;

/**
 * Gives the lines that are written to a file, as `tail -F` does, until `signal` aborts: the file may come later, go
 * away, be rotated (the rest of the old one comes first) and be truncated. A line is given when it is whole.
 *
 * Ansible keeps a file open that was renamed, and goes on writing there: the last one that was rotated is followed on
 * beside the new one. What is written between the last look and a truncation is lost; and a file that is truncated and
 * then outgrows its old size between two looks is not seen to be another.
 *
 * Rejects only with what `onLine` throws.
 */
export async function followFile(
  path: string,
  { signal, onLine, poll = 250, from = 'end' }: FollowOptions,
): Promise<void> {
  const files: { current: Followed | null; rotated: Followed | null } = { current: null, rotated: null };
  let atEnd = from === 'end';

  const give = (lines: readonly string[], file: Followed): void => {
    for (const line of lines) {
      if (!file.torn && !signal.aborted) onLine(line);
      file.torn = false;
    }
  };

  const letGo = async (which: 'current' | 'rotated'): Promise<void> => {
    const file = files[which];
    files[which] = null;
    if (file === null) return;
    await file.handle.close().catch(ignore);
    give(file.splitter.flush(), file);
  };

  /** False if it can be read no more. */
  const drain = async (file: Followed): Promise<boolean> => {
    const size = await file.handle.stat().then((found) => found.size, ignore);
    if (size === undefined) return false;
    if (size < file.position) {
      give(file.splitter.flush(), file);
      file.position = 0;
      file.torn = false;
    }
    const buffer = new Uint8Array(CHUNK);
    while (!signal.aborted) {
      const read = await file.handle.read(buffer, 0, CHUNK, file.position).catch(ignore);
      if (read === undefined) return false;
      if (read.bytesRead === 0) return true;
      file.position += read.bytesRead;
      give(file.splitter.push(buffer.subarray(0, read.bytesRead)), file);
    }
    return true;
  };

  const follow = async (which: 'current' | 'rotated'): Promise<void> => {
    const file = files[which];
    if (file !== null && !(await drain(file))) await letGo(which);
  };

  const look = async (): Promise<void> => {
    const found = await stat(path, { bigint: true }).catch(ignore);
    await follow('rotated');
    await follow('current');
    if (found?.isFile() && (files.current === null || !isSame(files.current, found))) {
      await letGo('rotated');
      files.rotated = files.current;
      files.current = await begin(path, atEnd);
      await follow('current');
    }
    atEnd = false;
  };

  try {
    while (!signal.aborted) {
      await look();
      await sleep(poll, undefined, { signal }).catch(ignore);
    }
  } finally {
    await files.rotated?.handle.close().catch(ignore);
    await files.current?.handle.close().catch(ignore);
  }
}

/** A file that went away, or a wait that was cut short. */
const ignore = (): undefined => undefined;

const isSame = ({ device, inode }: Followed, { dev, ino }: BigIntStats): boolean => device === dev && inode === ino;

async function begin(path: string, atEnd: boolean): Promise<Followed | null> {
  const handle = await open(path).catch(ignore);
  const found = await handle?.stat({ bigint: true }).catch(ignore);
  if (handle === undefined || found === undefined) return null;
  const position = atEnd ? Number(found.size) : 0;
  const torn = position > 0 && !(await endsLine(handle, position));
  return { handle, device: found.dev, inode: found.ino, splitter: createLineSplitter(), position, torn };
}

const endsLine = async (handle: FileHandle, position: number): Promise<boolean> => {
  const before = await handle.read(new Uint8Array(1), 0, 1, position - 1).catch(ignore);
  return before?.buffer[0] === 0x0a;
};
