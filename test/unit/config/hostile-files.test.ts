import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../../src/config/configuration.ts';
import { Refusal } from '../../../src/domain/user-error.ts';
import { readText } from '../../../src/files/read-text.ts';
import { makePlace } from '../../support/config-place.ts';
import { GOOD_CLOUDS } from './mistakes/mistake.ts';

function inFolder<T>(use: (path: (name: string) => string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-files-'));
  const clear = () => rmSync(folder, { recursive: true, force: true });
  const result = use((name) => join(folder, name));
  if (result instanceof Promise) void result.finally(clear);
  else clear();
  return result;
}

describe('a file that is read', () => {
  it.each([
    ['is larger than the limit', Buffer.from('12345678901'), 'it is larger than 0.009765625 KiB'],
    ['holds a NUL character', Buffer.from('a\nb\0c'), 'line 2 holds a NUL character'],
    ['is Latin-1', Buffer.from('a\n\n\xe4', 'latin1'), 'line 3 is not UTF-8'],
    ['is UTF-16', Buffer.from('\ufeffa', 'utf16le'), 'it is UTF-16; save it as UTF-8'],
  ])('is refused where it %s', (_what, bytes, reason) => {
    inFolder((path) => {
      writeFileSync(path('f'), bytes);
      expect(readText(path('f'), { limit: 10 })).toEqual({ kind: 'unfit', reason });
    });
  });

  it('may be a symbolic link, begin with a mark, and be as large as the limit', () => {
    inFolder((path) => {
      writeFileSync(path('f'), '\ufeffseven!!');
      symlinkSync(path('f'), path('link'));
      expect(readText(path('link'), { limit: 10 })).toEqual({ kind: 'text', text: 'seven!!' });
    });
  });

  it('may be one of /proc, which has no size, and /dev/null, which is empty', () => {
    expect(readText('/proc/self/status')).toEqual({ kind: 'text', text: expect.stringMatching(/^Name:/) });
    expect(readText('/dev/null')).toEqual({ kind: 'text', text: '' });
  });

  it.each(['/dev/zero', '/dev/random', '/dev/full'])('is refused where it is %s', (device) => {
    expect(readText(device)).toEqual({ kind: 'unfit', reason: 'it is a device, where a file is wanted' });
  });
});

describe('a pipe', () => {
  /** `write` writes into its standard output, which is the pipe. */
  const read = async (write: string | null, patience: number) =>
    inFolder(async (path) => {
      spawnSync('mkfifo', [path('pipe')]);
      const writer = write === null ? null : spawn('sh', ['-c', `exec > ${path('pipe')}; ${write}`]);
      try {
        return readText(path('pipe'), { limit: 100, patience });
      } finally {
        writer?.kill('SIGKILL');
        if (writer !== null && writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
      }
    });

  it('is read up to its end', async () => {
    expect(await read('printf one; sleep 0.2; printf two', 20_000)).toEqual({ kind: 'text', text: 'onetwo' });
  });

  it('is refused where nobody writes into it', async () => {
    const reason = 'it is a pipe, and nobody wrote into it within 0.1 s';
    expect(await read(null, 100)).toEqual({ kind: 'unfit', reason });
  });

  it('is refused where whoever writes does not end', async () => {
    const reason = 'it is a pipe, and whoever writes into it did not end within 2 s';
    expect(await read('printf one; exec sleep 60', 2000)).toEqual({ kind: 'unfit', reason });
  });

  it('is refused as soon as more comes than the limit', async () => {
    expect(await read('exec yes', 20_000)).toEqual({ kind: 'unfit', reason: expect.stringMatching('larger than') });
  });
});

/** Each file of configuration, by what is written there. */
const PLACES: Readonly<Record<string, (text: string) => Readonly<Record<string, string>>>> = {
  'rollwatch.yaml': (text) => ({ 'work/clouds.yaml': GOOD_CLOUDS, 'work/rollwatch.yaml': text }),
  'clouds.yaml': (text) => ({ 'work/clouds.yaml': text }),
  'secure.yaml': (text) => ({ 'work/clouds.yaml': GOOD_CLOUDS, 'work/secure.yaml': text }),
  'clouds-public.yaml': (text) => ({ 'work/clouds.yaml': GOOD_CLOUDS, 'work/clouds-public.yaml': text }),
  'plan.yaml': (text) => ({
    'work/clouds.yaml': GOOD_CLOUDS,
    'work/rollwatch.yaml': 'plan: ./plan.yaml',
    'work/plan.yaml': text,
  }),
};

function refusalOf(files: Readonly<Record<string, string>>, link: string | null = null): string {
  const place = makePlace({ files });
  try {
    if (link !== null) {
      rmSync(place.fill(`DIR/work/${link}`), { force: true });
      symlinkSync('/dev/zero', place.fill(`DIR/work/${link}`));
    }
    loadConfiguration(place.host);
    return 'nothing is wrong';
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    expect(error.exitCode).toBe(2);
    return place.strip(error.message);
  } finally {
    place.clear();
  }
}

const laughs = Array.from({ length: 30 }, (_, level) =>
  level === 0 ? 'x0: &a0 [lol, lol]' : `x${level}: &a${level} [*a${level - 1}, *a${level - 1}]`,
).join('\n');

describe.each(Object.entries(PLACES))('%s', (name, place) => {
  it.each([
    [
      'contains itself',
      'x: &a [*a]',
      `DIR/work/${name}:1: not YAML: an alias (*...) stands for something that it is a part of`,
    ],
    [
      'contains itself by way of a merge',
      'x: &a\n  <<: *a',
      `DIR/work/${name}:2: not YAML: an alias (*...) stands for something that it is a part of`,
    ],
    ['is a billion laughs', laughs, 'not YAML: aliases (*...) repeat more than 100000 values here'],
    [
      'has thousands of aliases',
      `x: &a 1\ny: [${'*a,'.repeat(5000)}]`,
      `DIR/work/${name}:2: not YAML: more than 2000 aliases (*...) stand in this file`,
    ],
    [
      'is a hundred thousand lists in each other',
      '['.repeat(100_000),
      `DIR/work/${name}:1: not YAML: more than 50 levels of mappings and lists are nested here`,
    ],
    [
      'is lists in each other by their indentation',
      `a: ${'- '.repeat(100)}`,
      `DIR/work/${name}:1: not YAML: it cannot be understood from here on`,
    ],
    ['has an unknown tag', 'x: !secret a', `DIR/work/${name}:1: not YAML: a tag (!...) is not known here`],
    ['holds a NUL character', 'x: a\0', `DIR/work/${name} cannot be read: line 1 holds a NUL character`],
    [
      'is longer than any settings',
      '# long\n'.repeat(80_000),
      `DIR/work/${name} cannot be read: it is larger than 512 KiB`,
    ],
  ])('is refused in one line where it %s', (_what, text, message) => {
    expect(refusalOf(place(text))).toContain(message);
  });

  it('is refused in one line where it is a device', () => {
    expect(refusalOf(place(''), name)).toContain(
      `DIR/work/${name} cannot be read: it is a device, where a file is wanted`,
    );
  });
});

describe('clouds.yaml', () => {
  it('may take its defaults by an alias in each of a thousand clouds', () => {
    const cloud = (index: number) => `  c${index}: {<<: *usual, region_name: r${index}}`;
    const text = `usual: &usual ${JSON.stringify({ auth: { auth_url: 'http://ks', username: 'u', password: 'p', project_id: 'p' } })}
clouds:
${Array.from({ length: 1000 }, (_, index) => cloud(index)).join('\n')}`;
    const place = makePlace({ files: { 'work/clouds.yaml': text }, env: { OS_CLOUD: 'c999' } });
    try {
      expect(loadConfiguration(place.host).clouds.map(({ access }) => access.regionName)).toEqual(['r999']);
    } finally {
      place.clear();
    }
  });

  it.each(['constructor', '__proto__', 'toString'])('knows no cloud, profile or auth_type called %s', (name) => {
    expect(refusalOf({ 'work/clouds.yaml': GOOD_CLOUDS, 'work/rollwatch.yaml': `clouds: [${name}]` })).toMatch(
      'no such cloud',
    );
    for (const key of ['profile', 'auth_type'])
      expect(
        refusalOf({
          'work/clouds.yaml': GOOD_CLOUDS.replace('auth:', `${key}: ${name}\n    auth:`).replace(/ +auth_url.*\n/, ''),
        }),
      ).toMatch(/is not known|is missing/);
  });

  it('as JSON may be nested no deeper than as YAML', () => {
    const text = `{"clouds":{"one":{"auth":${'['.repeat(100_000)}${']'.repeat(100_000)}}}}`;
    const place = makePlace({ files: { 'work/clouds.json': text } });
    try {
      expect(() => loadConfiguration(place.host)).toThrow(
        /clouds\.json: more than 50 levels of mappings and lists are nested/,
      );
    } finally {
      place.clear();
    }
  });
});
