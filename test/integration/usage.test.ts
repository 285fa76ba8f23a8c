/** What a person reads who has mistyped something: one line, which says what would be right. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discard } from '../support/daemon.ts';
import { rollwatch } from '../support/rollwatch.ts';
import { type ScriptedServer, serveHttp } from '../support/scripted-server.ts';

let folder: string;
/** Some other program, which answers everything with 200. */
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

const GROUPS = 'services, orphans, database, hosts, basics, kept, inside, actions, tempest';

describe('a line on standard error, and exit code 2', { timeout: 30_000 }, () => {
  it.each([
    ['wacht', "there is no command 'wacht'; did you mean watch?"],
    ['reprot', "there is no command 'reprot'; did you mean report?"],
    ['help wacht', "there is no command 'wacht'; did you mean watch?"],
    ['check befor', "there is no command 'check befor'; did you mean before?"],
    ['task strat x', "there is no command 'task strat'; did you mean start?"],
    ['cloud sop', "there is no command 'cloud sop'; did you mean stop?"],
    ['cloud dance', "there is no command 'cloud dance'; there are stop, start, hup, fault and help"],
    ['--exot', "unknown option '--exot'; did you mean --exit?"],
    ['watch --lisen x', "unknown option '--lisen'; did you mean --listen?"],
    ['check before --frmat json', "unknown option '--frmat'; did you mean --format?"],
    ['sweep --nonsense', "unknown option '--nonsense'; 'rollwatch sweep --help' lists them"],
    ['task end x --nonsense', "unknown option '--nonsense'; 'rollwatch task end --help' lists them"],
    [
      'report --format jsn',
      "--format is 'jsn'; it must be one of json, text, junit, markdown, html, csv; did you mean json?",
    ],
    ['report --fail-on x', "--fail-on is 'x'; it must be one of fail, not-proven"],
    ['check before --only servces', `--only is 'servces'; it must be one of ${GROUPS}; did you mean services?`],
    ['check before --keep x', "--keep is 'x'; a number from 1 to 50 is wanted"],
    ['task start', "missing required argument 'name'"],
    ['pause extra', "too many arguments for 'pause'. Expected 0 arguments but got 1: extra."],
    ['pause --url nonsense', "the daemon's URL is 'nonsense'; it must be as http://127.0.0.1:9774"],
  ])('rollwatch %s', async (line, says) => {
    expect(await rollwatch(line.split(' '), { folder })).toEqual({ code: 2, out: '', err: `rollwatch: ${says}\n` });
  });
});

describe('a daemon that is not there', { timeout: 60_000 }, () => {
  const commands = ['pause', 'resume', 'phase x', 'task start x', 'task end x', 'report'];

  it.each(commands)('%s: names only options that the command has', async (line) => {
    const { code, out, err } = await rollwatch([...line.split(' '), '--url', 'http://127.0.0.1:1'], { folder });
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(/^rollwatch: no daemon answers at http:\/\/127\.0\.0\.1:1: .*\n$/);
    const { out: help } = await rollwatch([...line.split(' ').filter((word) => word !== 'x'), '--help'], { folder });
    const named = err.match(/--[\w-]+/g) ?? [];
    expect(named.filter((option) => !help.includes(`  ${option} `))).toEqual([]);
  });

  it.each(['report', 'task end x'])('%s: another program answers there', async (line) => {
    expect(await rollwatch([...line.split(' '), '--url', other.url], { folder })).toEqual({
      code: 3,
      out: '',
      err: `rollwatch: what answers at ${other.url} is not a Rollwatch daemon of this version\n`,
    });
  });
});
