/** `rollwatch note`: to a daemon that watches the embedded cloud, and from there into the report. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportSchema } from '../../src/api/report.ts';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { discard, startWatch, type WatchProcess } from '../support/daemon.ts';
import { rollwatch } from '../support/rollwatch.ts';

let cloud: EmbeddedCloud;
let watch: WatchProcess;

beforeAll(async () => {
  cloud = await startCloudWorker();
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-note-'));
  writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
  watch = await startWatch({
    env: { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' },
    folder,
  });
});

afterAll(async () => {
  await watch.stop();
  await cloud.close();
  discard(watch.folder);
});

const note = (...args: readonly string[]) => rollwatch(['note', ...args, '--url', watch.url], { folder: watch.folder });

const readReport = async () => reportSchema.parse(await (await fetch(`${watch.url}/api/v1/report`)).json());

describe('rollwatch note', { timeout: 60_000 }, () => {
  it.each([
    [[], "rollwatch: the text is missing: rollwatch note 'TEXT'\n"],
    [['--acknowledge'], 'rollwatch: there is no incident so far\n'],
    [['x', '--incident', 'typo'], "rollwatch: there is no incident 'typo'; see /api/v1/incidents\n"],
  ])('%j is rejected in one line while there is no incident', async (args, err) => {
    expect(await note(...args)).toEqual({ code: 2, out: '', err });
  });

  it('is in the report, about the latest incident if it acknowledges one', async () => {
    expect(await note('the night begins')).toEqual({ code: 0, out: '', err: 'noted\n' });
    await cloud.kill('nova-api');
    await expect.poll(async () => (await readReport()).incidents.length, { timeout: 20_000 }).toBe(1);
    const { out } = await note('--acknowledge', '--json');
    const { incidents, notes, tasks } = await readReport();
    expect(JSON.parse(out)).toEqual({ id: 2, incident: incidents[0]?.id });
    expect(notes.map(({ text, incident, acknowledges }) => ({ text, incident, acknowledges }))).toEqual([
      { text: 'the night begins', incident: null, acknowledges: false },
      { text: 'acknowledged', incident: incidents[0]?.id, acknowledges: true },
    ]);
    expect(tasks).toEqual([]);
    const report = await (await fetch(`${watch.url}/api/v1/report?format=text`)).text();
    expect(report).toMatch(
      /^Notes\n {2}[\d:.]+ UTC {2}the night begins\n {2}[\d:.]+ UTC {2}acknowledged \(acknowledges/m,
    );
  });
});
