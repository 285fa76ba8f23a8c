/** Follows a fake ARA server, which returns what a real one recorded. */

import { mkdtempSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { secret } from '../../src/domain/redaction.ts';
import type { OnConnectionChange } from '../../src/domain/run/connection-status.ts';
import type { Task } from '../../src/domain/upgrade/task.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { HttpError } from '../../src/http/json-client.ts';
import { createAraClient, createAraFeed } from '../../src/task-sources/ara/ara-client.ts';
import { araPlay, araTask } from '../../src/task-sources/ara/ara-schemas.ts';
import { type FollowAraOptions, followAra } from '../../src/task-sources/ara/follow-ara.ts';
import { type Ara, type Recorded, recordedOf, startAra } from '../support/ara.ts';
import { discard, startWatch } from '../support/daemon.ts';

const sample = (name: string): readonly Recorded[] =>
  recordedOf(readFileSync(new URL(`../unit/task-sources/samples/${name}`, import.meta.url), 'utf8'));

const serial = sample('ara-serial.jsonl');
const FIRST = Date.parse('2026-11-23T18:00:00Z');

let ara: Ara;
let stop: AbortController;
let seen: Task[];
let states: Parameters<OnConnectionChange>[0][];
let following: Promise<void>;

beforeEach(async () => {
  ara = await startAra(serial);
  stop = new AbortController();
  seen = [];
  states = [];
  following = Promise.resolve();
});

afterEach(async () => {
  stop.abort();
  await following;
  await ara.close();
});

const follow = (changes: Partial<FollowAraOptions> = {}) => {
  following = followAra(
    { url: ara.url, user: null },
    {
      signal: stop.signal,
      onTask: (task) => seen.push(task),
      onConnectionChange: (state) => states.push(state),
      since: FIRST,
      pollInterval: 10,
      ...changes,
    },
  );
};

const isAgain = (state: Parameters<OnConnectionChange>[0]): boolean => state !== 'recovered' && state.again;

const withoutStart = ({ id }: { readonly id: string }): string => id.replace(/^(ara-\d+)-\d{13}/, '$1');

/** Waits for this many polls. */
const polls = async (count: number) => {
  const before = ara.asked.length;
  await expect.poll(() => ara.asked.length).toBeGreaterThan(before + 3 * count + 6);
};

describe('following ARA', () => {
  it('reports each task once, and sends few requests when nothing is new', async () => {
    follow();
    await expect.poll(() => seen.length).toBe(22);
    await polls(3);
    expect(seen).toHaveLength(22);
    expect(seen.find((one) => withoutStart(one) === 'ara-8-2')).toMatchObject({
      name: 'Stop services',
      role: 'os_nova',
      play: 'Upgrade nova',
      playbook: 'site.yml',
      hosts: ['nova2'],
      kind: 'handler',
      status: 'ok',
      source: 'ara',
    });
    expect(ara.asked.slice(-9).every((one) => one.startsWith('/api/v1/tasks?'))).toBe(true);
    expect(ara.asked.filter((one) => one.includes('/playbooks/'))).toHaveLength(1);
    expect(ara.asked.filter((one) => one.includes('/hosts'))).toHaveLength(1);
    expect(states).toEqual([]);
  });

  it('reports a task when it starts, when a host finishes it, and when it ends', async () => {
    const [task, ...others] = sample('ara-interrupted.jsonl').toSorted((a) => (a.list === 'tasks' ? -1 : 1));
    const running = others.map((one) => (one.list === 'playbooks' ? { ...one, ended: null } : one));
    ara.records = [...running.filter(({ list }) => list !== 'results'), ...(task === undefined ? [] : [task])];
    follow();
    await expect.poll(() => seen).toMatchObject([{ status: 'running', hosts: [], end: null, playbook: 'long.yml' }]);
    ara.records = [...ara.records, ...others.filter(({ list }) => list === 'results')];
    await expect.poll(() => seen.at(-1)).toMatchObject({ status: 'running', hosts: ['nova1'] });
    const ended = { updated: '2026-11-23T18:22:36.1Z', ended: '2026-11-23T18:22:36Z', status: 'completed' };
    ara.records = ara.records.map((one) => (one.list === 'tasks' ? { ...one, ...ended } : one));
    await expect.poll(() => seen.at(-1)).toMatchObject({ status: 'ok', end: Date.parse('2026-11-23T18:22:36Z') });
    expect(new Set(seen.map(withoutStart))).toEqual(new Set(['ara-20']));
  });

  it('reports an interrupted task as unknown when its playbook has ended', async () => {
    const rows = sample('ara-interrupted.jsonl');
    ara.records = rows.map((one) => (one.list === 'playbooks' ? { ...one, ended: null } : one));
    follow();
    await expect.poll(() => seen.at(-1)).toMatchObject({ status: 'running', hosts: ['nova1'] });
    ara.records = rows;
    await expect.poll(() => seen.at(-1)).toMatchObject({ status: 'unknown', end: null });
  });

  it('does not report tasks that started before `since`', async () => {
    follow({ since: Date.parse('2026-11-23T18:05:59.9Z') });
    await expect.poll(() => seen.map(withoutStart)).toEqual(['ara-10', 'ara-11', 'ara-12', 'ara-13']);
  });

  it.each<[string, Ara['instead'], RegExp]>([
    ['rejects the request', (_, response) => response.writeHead(401).end('{"detail":"no"}'), /HTTP 401$/],
    ['does not return JSON', (_, response) => response.end('<html>'), /is not from ARA$/],
    ['returns JSON that is not from ARA', (_, response) => response.end('{"results":[1]}'), /is not from ARA$/],
    ['has no such list', (_, response) => response.writeHead(404).end('{}'), /HTTP 404$/],
    ['redirects', (_, response) => response.writeHead(302, { Location: 'http://x/' }).end(), /HTTP 302$/],
    ['closes the connection', (request) => request.socket.destroy(), /socket hang up/],
    ['sends too much', (_, response) => response.write('x'.repeat(20_000_000)), /larger than 16 MiB/],
  ])('reports once that a server %s, keeps polling, and reports once that it is back', async (_, instead, reason) => {
    ara.instead = instead;
    follow();
    await expect.poll(() => ara.asked.length, { timeout: 5000 }).toBeGreaterThan(3);
    expect(states[0]).toEqual({ problem: expect.stringMatching(reason), again: false });
    ara.instead = null;
    await expect.poll(() => seen.length).toBe(22);
    expect(states.filter((state) => !isAgain(state))).toEqual([
      { problem: expect.any(String), again: false },
      'recovered',
    ]);
  });

  it('waits at most 5 seconds for a complete response', { timeout: 15_000 }, async () => {
    const drops: NodeJS.Timeout[] = [];
    ara.instead = (_, response) => void drops.push(setInterval(() => response.write(' '), 100));
    follow();
    await expect.poll(() => states, { timeout: 8000 }).toEqual([{ problem: 'no answer within 5 s', again: false }]);
    for (const timer of drops) clearInterval(timer);
  });

  it('reconnects when the server starts again', async () => {
    const { port } = new URL(ara.url);
    await ara.close();
    follow();
    await expect.poll(() => states[0]).toEqual({ problem: expect.stringMatching(/ECONNREFUSED/), again: false });
    ara = await startAra(serial, Number(port));
    await expect.poll(() => seen.length).toBe(22);
    expect(states.filter((state) => !isAgain(state))).toHaveLength(2);
  });

  it('sends the user and password', async () => {
    const headers: (string | undefined)[] = [];
    ara.instead = (request, response) => {
      headers.push(request.headers.authorization);
      response.end('{"next":null,"results":[]}');
    };
    const client = createAraClient({ url: ara.url, user: { name: 'ada', password: secret('pässword') } }, stop.signal);
    await client.get('/api/v1/tasks', {}, z.unknown());
    expect(headers).toEqual([`Basic ${Buffer.from('ada:pässword').toString('base64')}`]);
    client.close();
  });
});

describe('a list of ARA', () => {
  const client = () => createAraClient({ url: ara.url, user: null }, stop.signal);
  const tasks = (size: number, pages: number) =>
    createAraFeed({ path: '/api/v1/tasks', item: araTask, from: FIRST, size, pages });

  it('is read in pages, a limited number per call, and continues where it stopped', async () => {
    const feed = tasks(4, 2);
    const ids = async () => {
      const found: number[] = [];
      await feed.read(client(), (items) => found.push(...items.map(({ id }) => id)));
      return found;
    };
    expect(await ids()).toEqual([1, 2, 3, 4, 4, 5, 6, 7]);
    expect(await ids()).toEqual([7, 8, 9, 10, 10, 11, 12, 13]);
    // Reading overlaps the last change by five seconds.
    expect(await ids()).toEqual([10, 11, 12, 13]);
  });

  it('continues after a page of changes with one timestamp', async () => {
    const same = Array.from({ length: 9 }, (_, id) => ({
      ...serial.find(({ list }) => list === 'tasks'),
      list: 'tasks',
      id,
      updated: '2026-11-23T18:05:50.703788Z',
    }));
    ara.records = [...same, ...serial.filter(({ list, id }) => list === 'tasks' && id === 13)];
    const found: number[] = [];
    await tasks(4, 4).read(client(), (items) => found.push(...items.map(({ id }) => id)));
    expect(found).toContain(13);
  });

  it('continues after the pages that were read before an error', async () => {
    const feed = tasks(4, 9);
    const found: number[] = [];
    const broken = feed.read(client(), (items) => {
      found.push(...items.map(({ id }) => id));
      ara.instead = (_, response) => response.writeHead(500).end();
    });
    await expect(broken).rejects.toThrow(HttpError);
    ara.instead = null;
    await feed.read(client(), (items) => found.push(...items.map(({ id }) => id)));
    expect([...new Set(found)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  });

  it('returns plays', async () => {
    const found: (string | null)[] = [];
    const feed = createAraFeed({ path: '/api/v1/plays', item: araPlay, from: FIRST });
    await feed.read(client(), (items) => found.push(...items.map(({ name }) => name)));
    expect(found).toEqual(['Upgrade nova', 'Upgrade nova', 'Together', 'Dark']);
  });
});

describe('rollwatch watch', { timeout: 30_000 }, () => {
  it('has the tasks of ARA and the steps of run-upgrade.sh', async () => {
    const cloud = await startCloudWorker();
    const folder = mkdtempSync(join(tmpdir(), 'rollwatch-ara-'));
    const shift = Date.now() - Date.parse('2026-11-23T18:10:00Z');
    const moved = (text: string) =>
      text.replaceAll(/2026-11-23T[\d:.]+Z/g, (at) => new Date(Date.parse(at) + shift).toISOString());
    ara.records = recordedOf(moved(serial.map((one) => JSON.stringify(one)).join('\n')));
    writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
    writeFileSync(
      join(folder, 'rollwatch.yaml'),
      `upgrade:\n  ara: {url: ${ara.url}, interval: 500ms}\n  run_upgrade: .\n`,
    );
    writeFileSync(join(folder, 'd41d8cd9.complete'), 'setup-hosts.yml\n');
    const ended = Date.now() / 1000 - 60;
    utimesSync(join(folder, 'd41d8cd9.complete'), ended, ended);
    const watch = await startWatch({
      env: { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' },
      folder,
    });
    try {
      const tasks = z.object({ tasks: z.array(z.object({ id: z.string(), name: z.string() })) });
      const of = async (source: string) =>
        tasks.parse(await (await fetch(`${watch.url}/api/v1/tasks?source=${source}`)).json()).tasks;
      await expect.poll(async () => (await of('ara')).length, { timeout: 10_000 }).toBe(22);
      expect(await of('run-upgrade')).toMatchObject([
        { id: expect.stringMatching(/^run-upgrade-d41d8cd9-\d+$/), name: 'setup-hosts.yml' },
      ]);
    } finally {
      await watch.stop();
      await cloud.close();
      discard(folder);
    }
  });
});
