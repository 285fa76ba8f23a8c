import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { followFile } from '../../../src/task-sources/follow-file.ts';

let folder = '';
let file = '';
let stop = new AbortController();
let following: Promise<void> = Promise.resolve();
const lines: string[] = [];
const opened: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollwatch-follow-'));
  file = join(folder, 'ansible.log');
  stop = new AbortController();
  lines.length = 0;
  opened.length = 0;
});

afterEach(async () => {
  stop.abort();
  await following;
  await rm(folder, { recursive: true });
});

const follow = (from: 'start' | 'end' = 'start', path = file): void => {
  const onLine = (line: string): void => void lines.push(line);
  const onOpen = (place: string): void => void opened.push(place);
  following = followFile(path, { signal: stop.signal, onLine, onOpen, pollInterval: 5, from });
};

const expectLines = (...expected: readonly string[]): Promise<void> =>
  vi.waitFor(() => expect(lines).toEqual(expected), { interval: 2, timeout: 5000 });

describe('following a file', () => {
  it('reads what is in it and what is added', async () => {
    await writeFile(file, 'a\nb\n');
    follow();
    await expectLines('a', 'b');
    await appendFile(file, 'c\n');
    await expectLines('a', 'b', 'c');
  });

  it('may start at its end', async () => {
    await writeFile(file, 'old\n');
    follow('end');
    await severalPolls();
    await appendFile(file, 'new\n');
    await expectLines('new');
    expect(opened).toEqual(['end']);
  });

  it('skips the rest of a line when it starts in the middle', async () => {
    await writeFile(file, 'old\nha');
    follow('end');
    await severalPolls();
    await appendFile(file, 'lf\nnew\n');
    await expectLines('new');
  });

  it('reads a file that is created later from its start', async () => {
    follow('end');
    await severalPolls();
    await writeFile(file, 'a\n');
    await expectLines('a');
  });

  it('emits a line when it is complete, with characters that were split', async () => {
    const [head, tail] = [Buffer.from('née\n').subarray(0, 2), Buffer.from('née\n').subarray(2)];
    await writeFile(file, 'a\n');
    await appendFile(file, head);
    follow();
    await expectLines('a');
    await appendFile(file, tail);
    await expectLines('a', 'née');
  });

  it('reads the rest of a rotated file first, and what is still written to it', async () => {
    await writeFile(file, 'a\n');
    follow();
    await expectLines('a');
    await appendFile(file, 'b\n');
    await rename(file, `${file}.1`);
    await appendFile(`${file}.1`, 'c\n');
    await writeFile(file, 'd\n');
    await expectLines('a', 'b', 'c', 'd');
    expect(opened).toEqual(['start', 'start']);
    await appendFile(`${file}.1`, 'e\n');
    await expectLines('a', 'b', 'c', 'd', 'e');
    await appendFile(file, 'f\n');
    await expectLines('a', 'b', 'c', 'd', 'e', 'f');
    await rename(file, `${file}.2`);
    await writeFile(file, 'g\n');
    await expectLines('a', 'b', 'c', 'd', 'e', 'f', 'g');
  });

  it('reads a truncated file again', async () => {
    await writeFile(file, 'a\nb\n');
    follow();
    await expectLines('a', 'b');
    await truncate(file);
    await severalPolls();
    await appendFile(file, 'c\n');
    await expectLines('a', 'b', 'c');
  });

  it('reads a file that is removed and created again', async () => {
    await writeFile(file, 'a\n');
    follow();
    await expectLines('a');
    await rm(file);
    await severalPolls();
    await writeFile(file, 'b\n');
    await expectLines('a', 'b');
  });

  it('ignores a directory', async () => {
    follow('start', folder);
    await severalPolls();
    expect(lines).toEqual([]);
  });

  it('emits nothing after it is stopped', async () => {
    await writeFile(file, 'a\n');
    const onLine = (line: string): void => {
      lines.push(line);
      stop.abort();
    };
    await appendFile(file, 'b\nc\n');
    await followFile(file, { signal: stop.signal, onLine, from: 'start', pollInterval: 60_000 });
    expect(lines).toEqual(['a']);
  });

  it('rejects with what onLine throws', async () => {
    await writeFile(file, 'a\n');
    const onLine = (): void => {
      throw new Error('a bug');
    };
    await expect(followFile(file, { signal: stop.signal, onLine, from: 'start' })).rejects.toThrow('a bug');
  });
});

/** Waits for several polls, which have no visible effect. */
const severalPolls = (): Promise<void> => new Promise((done) => setTimeout(done, 60));
