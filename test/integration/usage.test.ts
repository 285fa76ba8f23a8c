/** The error messages for mistakes in commands and options. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { discard } from '../support/daemon.ts';
import { rollwatch } from '../support/rollwatch.ts';
import { type ScriptedServer, serveHttp } from '../support/scripted-server.ts';

let folder: string;
/** Another program, which answers every request with 200. */
let other: ScriptedServer;

beforeAll(async () => {
  folder = mkdtempSync(`${tmpdir()}/rollwatch-usage-`);
  other = await serveHttp((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>It works!</h1>');
  });
});

afterAll(async () => {
  await other.close();
  discard(folder);
});

const GROUPS = 'services, orphans, database, hosts, basics, survivors, guest, actions, tempest';

describe('a usage error is one line on standard error, with exit code 2', { timeout: 30_000 }, () => {
  it.each([
    ['wacht', "unknown command 'wacht'; did you mean watch?"],
    ['reprot', "unknown command 'reprot'; did you mean report?"],
    ['help wacht', "unknown command 'wacht'; did you mean watch?"],
    ['--color never wacht', "unknown command 'wacht'; did you mean watch?"],
    ['--color=never check befor', "unknown command 'check befor'; did you mean before?"],
    ['check befor', "unknown command 'check befor'; did you mean before?"],
    ['task strat x', "unknown command 'task strat'; did you mean start?"],
    ['cloud sop', "unknown command 'cloud sop'; did you mean stop?"],
    ['cloud dance', "unknown command 'cloud dance'; the commands are stop, start, hup, fault and help"],
    ['--exot', "unknown option '--exot'; did you mean --exit?"],
    ['watch --lisen x', "unknown option '--lisen'; did you mean --listen?"],
    ['check before --frmat json', "unknown option '--frmat'; did you mean --format?"],
    ['sweep --nonsense', "unknown option '--nonsense'; see 'rollwatch sweep --help'"],
    ['task end x --nonsense', "unknown option '--nonsense'; see 'rollwatch task end --help'"],
    [
      'report --format jsn',
      "--format is 'jsn'; it must be one of json, text, junit, markdown, ticket, html, csv; did you mean json?",
    ],
    ['report --fail-on x', "--fail-on is 'x'; it must be one of fail, not-proven"],
    ['check before --only servces', `--only is 'servces'; it must be one of ${GROUPS}; did you mean services?`],
    ['check before --servers x', "--servers is 'x'; it must be a whole number from 1 to 50"],
    ['task start', "missing required argument 'name'"],
    ['report --color=alwais', "--color is 'alwais'; it must be one of auto, always, never; did you mean always?"],
    ['completion fis', "shell is 'fis'; it must be one of bash, zsh, fish; did you mean fish?"],
    ['pause extra', "too many arguments for 'pause'. Expected 0 arguments but got 1: extra."],
    ['pause --url nonsense', "the daemon's URL is 'nonsense'; it must look like http://127.0.0.1:9774"],
  ])('rollwatch %s', async (line, message) => {
    expect(await rollwatch(line.split(' '), { folder })).toMatchObject({
      code: 2,
      out: '',
      err: `rollwatch: ${message}\n`,
    });
  });
});

describe('without a daemon', { timeout: 60_000 }, () => {
  const commands = ['status', 'pause', 'resume', 'phase x', 'task start x', 'task end x', 'report'];

  it.each(commands)('%s: the error names only options that the command has', async (line) => {
    const { code, out, err } = await rollwatch([...line.split(' '), '--url', 'http://127.0.0.1:1'], { folder });
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(/^rollwatch: no daemon at http:\/\/127\.0\.0\.1:1 \(.*\); .*\n$/);
    const { out: help } = await rollwatch([...line.split(' ').filter((word) => word !== 'x'), '--help'], { folder });
    const named = err.match(/--[\w-]+/g) ?? [];
    expect(named.filter((option) => !help.includes(`  ${option} `))).toEqual([]);
  });

  it.each(['report', 'task end x', 'status', 'pause', 'phase end'])(
    '%s: reports that another program listens at the URL',
    async (line) => {
      expect(await rollwatch([...line.split(' '), '--url', other.url], { folder })).toMatchObject({
        code: 3,
        out: '',
        err: `rollwatch: the server at ${other.url} is not a Rollwatch daemon of this version\n`,
      });
    },
  );
});

it('rollwatch version names the versions that a bug report needs', async () => {
  const { out } = await rollwatch(['version', '--json'], { folder });
  const { version, node } = z.object({ version: z.string(), node: z.string() }).parse(JSON.parse(out));
  expect(await rollwatch(['version'], { folder })).toMatchObject({
    code: 0,
    out: expect.stringContaining(`rollwatch ${version} (Node.js ${node}, `),
  });
});
