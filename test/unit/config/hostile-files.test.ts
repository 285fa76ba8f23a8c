import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../../src/config/configuration.ts';
import { UserError } from '../../../src/domain/errors.ts';
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

describe('a file', () => {
  it.each([
    ['is larger than the limit', Buffer.from('12345678901'), 'it is larger than 0.009765625 KiB'],
    ['contains a NUL character', Buffer.from('a\nb\0c'), 'line 2 contains a NUL character'],
    ['is Latin-1', Buffer.from('a\n\n\xe4', 'latin1'), 'line 3 is not UTF-8'],
    ['is UTF-16', Buffer.from('\ufeffa', 'utf16le'), 'it is UTF-16; save it as UTF-8'],
  ])('is rejected if it %s', (_what, bytes, reason) => {
    inFolder((path) => {
      writeFileSync(path('f'), bytes);
      expect(readText(path('f'), { maxBytes: 10 })).toEqual({ kind: 'invalid', reason });
    });
  });

  it('may be a symbolic link, start with a byte order mark, and be as large as the limit', () => {
    inFolder((path) => {
      writeFileSync(path('f'), '\ufeffseven!!');
      symlinkSync(path('f'), path('link'));
      expect(readText(path('link'), { maxBytes: 10 })).toEqual({ kind: 'text', text: 'seven!!' });
    });
  });

  it('may be in /proc, where it has no size, or be /dev/null', () => {
    expect(readText('/proc/self/status')).toEqual({ kind: 'text', text: expect.stringMatching(/^Name:/) });
    expect(readText('/dev/null')).toEqual({ kind: 'text', text: '' });
  });

  it.each(['/dev/zero', '/dev/random', '/dev/full'])('is rejected if it is %s', (device) => {
    expect(readText(device)).toEqual({ kind: 'invalid', reason: 'it is a device, not a file' });
  });
});

describe('a pipe', () => {
  /** The standard output of the command `write` is the pipe. */
  const read = async (write: string | null, pipeTimeoutMs: number) =>
    inFolder(async (path) => {
      spawnSync('mkfifo', [path('pipe')]);
      const writer = write === null ? null : spawn('sh', ['-c', `exec > ${path('pipe')}; ${write}`]);
      try {
        return readText(path('pipe'), { maxBytes: 100, pipeTimeoutMs });
      } finally {
        writer?.kill('SIGKILL');
        if (writer !== null && writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
      }
    });

  it('is read until it is closed', async () => {
    expect(await read('printf one; sleep 0.2; printf two', 20_000)).toEqual({ kind: 'text', text: 'onetwo' });
  });

  it('is rejected if nothing is written to it', async () => {
    const reason = 'it is a pipe, and nothing was written to it within 0.1 s';
    expect(await read(null, 100)).toEqual({ kind: 'invalid', reason });
  });

  it('is rejected if its writer does not close it', async () => {
    const reason = 'it is a pipe, and its writer did not close it within 2 s';
    expect(await read('printf one; exec sleep 60', 2000)).toEqual({ kind: 'invalid', reason });
  });

  it('is rejected as soon as it exceeds the limit', async () => {
    expect(await read('exec yes', 20_000)).toEqual({ kind: 'invalid', reason: expect.stringMatching('larger than') });
  });
});

/** The files of a layout in which one configuration file has the given text. */
const LAYOUTS: Readonly<Record<string, (text: string) => Readonly<Record<string, string>>>> = {
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

function errorOf(files: Readonly<Record<string, string>>, link: string | null = null): string {
  const place = makePlace({ files });
  try {
    if (link !== null) {
      rmSync(place.fill(`DIR/work/${link}`), { force: true });
      symlinkSync('/dev/zero', place.fill(`DIR/work/${link}`));
    }
    loadConfiguration(place.host);
    return 'no error';
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.exitCode).toBe(2);
    return place.strip(error.message);
  } finally {
    place.clear();
  }
}

const laughs = Array.from({ length: 30 }, (_, level) =>
  level === 0 ? 'x0: &a0 [lol, lol]' : `x${level}: &a${level} [*a${level - 1}, *a${level - 1}]`,
).join('\n');

describe.each(Object.entries(LAYOUTS))('%s', (name, place) => {
  it.each([
    [
      'contains itself',
      'x: &a [*a]',
      `DIR/work/${name}:1: invalid YAML: this alias (*...) refers to a value that contains it`,
    ],
    [
      'contains itself through a merge key',
      'x: &a\n  <<: *a',
      `DIR/work/${name}:2: invalid YAML: this alias (*...) refers to a value that contains it`,
    ],
    ['is a billion laughs', laughs, 'invalid YAML: aliases (*...) expand to more than 100000 values here'],
    [
      'has thousands of aliases',
      `x: &a 1\ny: [${'*a,'.repeat(5000)}]`,
      `DIR/work/${name}:2: invalid YAML: the file has more than 2000 aliases (*...)`,
    ],
    [
      'has a hundred thousand nested lists',
      '['.repeat(100_000),
      `DIR/work/${name}:1: invalid YAML: mappings and lists are nested more than 50 levels deep here`,
    ],
    ['has lists nested on one line', `a: ${'- '.repeat(100)}`, `DIR/work/${name}:1: invalid YAML: syntax error`],
    ['has an unknown tag', 'x: !secret a', `DIR/work/${name}:1: invalid YAML: unknown tag (!...)`],
    ['contains a NUL character', 'x: a\0', `DIR/work/${name} cannot be read: line 1 contains a NUL character`],
    [
      'is larger than the limit',
      '# long\n'.repeat(80_000),
      `DIR/work/${name} cannot be read: it is larger than 512 KiB`,
    ],
  ])('is rejected in one line if it %s', (_what, text, message) => {
    expect(errorOf(place(text))).toContain(message);
  });

  it('is rejected in one line if it is a device', () => {
    expect(errorOf(place(''), name)).toContain(`DIR/work/${name} cannot be read: it is a device, not a file`);
  });
});

describe('clouds.yaml', () => {
  it('may merge an alias into each of a thousand clouds', () => {
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

  it.each(['constructor', '__proto__', 'toString'])('has no cloud, profile or auth_type named %s', (name) => {
    expect(errorOf({ 'work/clouds.yaml': GOOD_CLOUDS, 'work/rollwatch.yaml': `clouds: [${name}]` })).toMatch(
      'no such cloud',
    );
    for (const key of ['profile', 'auth_type'])
      expect(
        errorOf({
          'work/clouds.yaml': GOOD_CLOUDS.replace('auth:', `${key}: ${name}\n    auth:`).replace(/ +auth_url.*\n/, ''),
        }),
      ).toMatch(/is unknown|is missing/);
  });

  it('in JSON has the same limit of nesting as in YAML', () => {
    const text = `{"clouds":{"one":{"auth":${'['.repeat(100_000)}${']'.repeat(100_000)}}}}`;
    const place = makePlace({ files: { 'work/clouds.json': text } });
    try {
      expect(() => loadConfiguration(place.host)).toThrow(
        /clouds\.json: mappings and lists are nested more than 50 levels deep/,
      );
    } finally {
      place.clear();
    }
  });
});
