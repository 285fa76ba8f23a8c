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

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollwatch-follow-'));
  file = join(folder, 'ansible.log');
  stop = new AbortController();
  lines.length = 0;
});

afterEach(async () => {
  stop.abort();
  await following;
  await rm(folder, { recursive: true });
});

const follow = (from: 'start' | 'end' = 'start', path = file): void => {
  const onLine = (line: string): void => void lines.push(line);
  following = followFile(path, { signal: stop.signal, onLine, poll: 5, from });
};

const seen = (...expected: readonly string[]): Promise<void> =>
  vi.waitFor(() => expect(lines).toEqual(expected), { interval: 2, timeout: 5000 });

describe('a file that is followed', () => {
  it('gives what is in it and what is added', async () => {
    await writeFile(file, 'a\nb\n');
    follow();
    await seen('a', 'b');
    await appendFile(file, 'c\n');
    await seen('a', 'b', 'c');
  });

  it('may be followed from its end on', async () => {
    await writeFile(file, 'old\n');
    follow('end');
    await appearing();
    await appendFile(file, 'new\n');
    await seen('new');
  });

  it('begun in the midst of a line gives none of it', async () => {
    await writeFile(file, 'old\nha');
    follow('end');
    await appearing();
    await appendFile(file, 'lf\nnew\n');
    await seen('new');
  });

  it('may come later, and is then read from its start', async () => {
    follow('end');
    await appearing();
    await writeFile(file, 'a\n');
    await seen('a');
  });

  it('gives a line when it is whole, with characters that were cut', async () => {
    const [head, tail] = [Buffer.from('née\n').subarray(0, 2), Buffer.from('née\n').subarray(2)];
    await writeFile(file, 'a\n');
    await appendFile(file, head);
    follow();
    await seen('a');
    await appendFile(file, tail);
    await seen('a', 'née');
  });

  it('is rotated: the rest of the old one comes first, and what is still written there comes too', async () => {
    await writeFile(file, 'a\n');
    follow();
    await seen('a');
    await appendFile(file, 'b\n');
    await rename(file, `${file}.1`);
    await appendFile(`${file}.1`, 'c\n');
    await writeFile(file, 'd\n');
    await seen('a', 'b', 'c', 'd');
    await appendFile(`${file}.1`, 'e\n');
    await seen('a', 'b', 'c', 'd', 'e');
    await appendFile(file, 'f\n');
    await seen('a', 'b', 'c', 'd', 'e', 'f');
    await rename(file, `${file}.2`);
    await writeFile(file, 'g\n');
    await seen('a', 'b', 'c', 'd', 'e', 'f', 'g');
  });

  it('is truncated, and read anew', async () => {
    await writeFile(file, 'a\nb\n');
    follow();
    await seen('a', 'b');
    await truncate(file);
    await appearing();
    await appendFile(file, 'c\n');
    await seen('a', 'b', 'c');
  });

  it('may go away and come again', async () => {
    await writeFile(file, 'a\n');
    follow();
    await seen('a');
    await rm(file);
    await appearing();
    await writeFile(file, 'b\n');
    await seen('a', 'b');
  });

  it('is no folder', async () => {
    follow('start', folder);
    await appearing();
    expect(lines).toEqual([]);
  });

  it('gives nothing once it is stopped', async () => {
    await writeFile(file, 'a\n');
    const onLine = (line: string): void => {
      lines.push(line);
      stop.abort();
    };
    await appendFile(file, 'b\nc\n');
    await followFile(file, { signal: stop.signal, onLine, from: 'start', poll: 60_000 });
    expect(lines).toEqual(['a']);
  });

  it('rejects with what its reader throws', async () => {
    await writeFile(file, 'a\n');
    const onLine = (): void => {
      throw new Error('a bug');
    };
    await expect(followFile(file, { signal: stop.signal, onLine, from: 'start' })).rejects.toThrow('a bug');
  });
});

/** Some looks at the file: nothing is seen of them from outside. */
const appearing = (): Promise<void> => new Promise((done) => setTimeout(done, 60));
