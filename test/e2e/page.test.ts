/** The page in a real browser, while a daemon watches the embedded cloud: what a person sees and when. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { CHROMIUM, openBrowser, openPage, type WatchedPage } from '../support/chromium.ts';
import { discard, startWatch, type WatchProcess } from '../support/daemon.ts';
import { isMissing } from '../support/requirements.ts';
import { rollwatch } from '../support/rollwatch.ts';

const HOSTILE = `stop nova-api <img src=x onerror="alert('run')"><script>alert('run')</script>`;
/** From the first failed sample to a window on the page. */
const SHOWN = 2000;

describe.skipIf(isMissing(CHROMIUM))('the page of a daemon', () => {
  let cloud: EmbeddedCloud;
  let watch: WatchProcess;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  let folder: string;

  const report = (task: object) =>
    fetch(`${watch.url}/api/v1/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tasks: [task] }),
    });
  const windowRows = () => page.getByRole('region', { name: 'Windows' }).locator('tbody tr');

  beforeAll(async () => {
    cloud = await startCloudWorker();
    folder = mkdtempSync(join(tmpdir(), 'rollwatch-page-'));
    writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
    const env = { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' };
    watch = await startWatch({ env, folder });
    browser = await openBrowser();
    watched = await openPage(browser);
    page = watched.page;
    await page.goto(watch.url);
  });

  afterAll(async () => {
    await browser?.close();
    await watch?.kill();
    await cloud?.close();
    discard(folder);
  });

  it('shows that everything is up, and the state of each probe', async () => {
    await page
      .getByRole('region', { name: 'Now' })
      .getByText('Up', { exact: true })
      .first()
      .waitFor({ timeout: 15_000 });
    const probes = await page.getByRole('list', { name: 'Probes' }).getByRole('listitem').allInnerTexts();
    expect(probes.map((text) => text.split('\n')[0])).toEqual([
      'server-list reused',
      'server-list new',
      'server-boot',
      'token',
    ]);
    await page.getByText('None: nothing was down or slow.').waitFor();
    expect(await page.title()).toContain('● up embedded');
  });

  it('shows the phase and its budget, and the task that is running', async () => {
    await rollwatch(['phase', 'maintenance'], { folder, env: { ROLLWATCH_URL: watch.url } });
    await report({ id: 'hostile', name: HOSTILE, start: new Date().toISOString(), status: 'running' });
    await page.getByRole('heading', { name: 'Phase: maintenance' }).waitFor();
    await page.getByRole('img', { name: /^API downtime: 0 s, within the budget of 120 s$/ }).waitFor();
    await page.getByRole('list', { name: 'Running tasks' }).getByText(HOSTILE).waitFor();
  });

  it('shows a window within two seconds of the failed sample, with its cause and its task', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await cloud.kill('nova-api');
    const failed = await firstFailed(watch.url);
    const banner = page.getByRole('region', { name: 'Now' });
    await banner
      .getByText(/^.? ?Down for \d+\.\d s: server-list/)
      .first()
      .waitFor();
    await windowRows().first().waitFor();
    const shown = Date.now();
    expect(shown - failed).toBeLessThan(SHOWN);
    await banner.getByText(/connection-refused \(nova-api\)/).waitFor();
    await banner.getByText(`attributed to task '${HOSTILE}'`).waitFor();
    await windowRows().filter({ hasText: 'not over yet' }).first().waitFor();
    expect(await page.title()).toContain('▼ DOWN');
    expect(await page.getByRole('status').innerText()).toMatch(/^Down: server-list/);
  });

  it('shows the end of the window when the service is back', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await cloud.start('nova-api');
    await report({
      id: 'hostile',
      name: HOSTILE,
      start: new Date(Date.now() - 6000).toISOString(),
      status: 'ok',
      end: new Date().toISOString(),
    });
    await page.getByRole('region', { name: 'Now' }).getByText('Up', { exact: true }).first().waitFor();
    await expect
      .poll(async () => (await windowRows().allInnerTexts()).filter((text) => /DOWN.*server-list/s.test(text)))
      .toHaveLength(2);
    await expect
      .poll(async () => (await windowRows().allInnerTexts()).join('\n'), { timeout: 20_000 })
      .not.toContain('not over yet');
  });

  it('shows the samples, request ids and candidates of a window, by mouse and by keyboard', async () => {
    const down = windowRows().filter({ hasText: 'DOWN' });
    await down.last().getByRole('button').press('Enter');
    const samples = page.getByRole('group', { name: /^In the order sent/ }).locator('tbody tr');
    await samples.first().waitFor();
    const texts = await samples.allInnerTexts();
    expect(texts.some((text) => text.includes('ok') && /req-[0-9a-f-]{36}/.test(text))).toBe(true);
    expect(texts.some((text) => text.includes('failed') && text.includes('connection-refused (nova-api)'))).toBe(true);
    const candidates = page.getByRole('group', { name: /^Tasks that were running/ }).locator('tbody tr');
    expect(await candidates.first().innerText()).toContain(HOSTILE);
    await down.last().getByRole('button').press('Enter');
    await samples.first().waitFor({ state: 'detached' });
  });

  it('zooms by keyboard and by dragging, and back to the whole run', async () => {
    const note = page.getByText(/Drag or Ctrl\+wheel to zoom/);
    const whole = page.getByRole('button', { name: 'Whole run' });
    const seen = async () => (await note.innerText()).split(',')[0];
    const timeline = page.getByRole('application', { name: /^4 series over/ });
    expect(await whole.isDisabled()).toBe(true);
    await timeline.press('+');
    await expect.poll(() => whole.isEnabled()).toBe(true);
    await timeline.press('0');
    await expect.poll(() => whole.isDisabled()).toBe(true);
    const box = await timeline.boundingBox();
    if (box === null) throw new Error('no timeline');
    await page.mouse.move(box.x + box.width * 0.4, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 5 });
    await page.mouse.up();
    await expect.poll(() => whole.isEnabled()).toBe(true);
    const zoomed = await seen();
    await timeline.press('ArrowLeft');
    await expect.poll(seen).not.toBe(zoomed);
    await whole.click();
  });

  it('shows what is under the pointer, and opens a window on a click', async () => {
    const timeline = page.getByRole('application', { name: /^4 series over/ });
    await timeline.press('0');
    await windowRows().filter({ hasText: 'DOWN' }).first().getByRole('button').click();
    await page.getByRole('button', { name: 'Show in the timeline' }).click();
    await page
      .getByRole('button', { name: /DOWN .*details/ })
      .first()
      .click();
    await timeline.scrollIntoViewIfNeeded();
    const box = await timeline.boundingBox();
    if (box === null) throw new Error('no timeline');
    let found = false;
    for (let y = 20; y < 240 && !found; y += 8) {
      await page.mouse.move(box.x + box.width / 2, box.y + y);
      found = await page.getByText('Click to see samples').isVisible();
    }
    expect(found).toBe(true);
    await page.mouse.down();
    await page.mouse.up();
    await page.getByRole('heading', { name: 'Samples around its edges' }).waitFor();
  });

  it('fits on a phone, and never uses colour without text', async () => {
    const phone = await openPage(browser, { viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
    await phone.page.goto(watch.url);
    await phone.page.getByRole('application', { name: /^4 series over/ }).waitFor();
    const [wide, room] = z
      .tuple([z.number(), z.number()])
      .parse(await phone.page.evaluate('[document.documentElement.scrollWidth, document.documentElement.clientWidth]'));
    expect(wide).toBeLessThanOrEqual(room);
    expect(phone.problems).toEqual([]);
    await phone.page.context().close();
  });

  it('shows that the daemon is gone, and continues when it is back', async () => {
    const other = await openPage(browser);
    await other.page.goto(watch.url);
    await other.page.getByRole('region', { name: 'Now' }).getByText('Up', { exact: true }).first().waitFor();
    await other.page.context().setOffline(true);
    watch.process.kill('SIGSTOP');
    await other.page
      .getByText(/^.? ?No response from Rollwatch for/)
      .first()
      // after 2.5 s of silence, and what a busy machine takes
      .waitFor({ timeout: 6000 });
    watch.process.kill('SIGCONT');
    await other.page.context().setOffline(false);
    await other.page
      .getByText(/^.? ?(Up|Down|Nothing)/)
      .first()
      .waitFor({ timeout: 30_000 });
    await other.page.context().close();
  });

  it('shows the same from a file, offline', async () => {
    const { code, out } = await rollwatch(['report', '--journal', watch.journal, '--format', 'html'], { folder });
    expect(code).toBe(0);
    const file = join(folder, 'report.html');
    writeFileSync(file, out);
    const { page: opened, problems } = await openPage(browser, { offline: true });
    await opened.goto(pathToFileURL(file).href);
    await opened
      .getByRole('region', { name: 'Outcome' })
      .getByText(/^The API was down for/)
      .waitFor();
    const rows = opened.getByRole('region', { name: 'Windows' }).locator('tbody tr');
    const live = (await windowRows().allInnerTexts()).filter((text) => text.includes('DOWN'));
    const inFile = (await rows.allInnerTexts()).filter((text) => text.includes('DOWN'));
    expect(inFile.map(words)).toEqual(live.map(words));
    expect(inFile.every((text) => text.includes(HOSTILE))).toBe(true);
    await rows.filter({ hasText: 'DOWN' }).first().getByRole('button').click();
    await opened
      .getByText(/req-[0-9a-f-]{36}/)
      .first()
      .waitFor();
    await opened.getByRole('application', { name: /^4 series over/ }).waitFor();
    expect(problems).toEqual([]);
    await opened.context().close();
  });

  it('shows the report as text without scripts', async () => {
    const { page: opened } = await openPage(browser, { javaScriptEnabled: false });
    await opened.goto(pathToFileURL(join(folder, 'report.html')).href);
    expect(await opened.locator('noscript, body').last().innerText()).toContain('The API was down for');
    await opened.context().close();
  });

  it('executed no task name as a script, and had no errors', () => {
    expect(watched.problems.filter((one) => !/ERR_|Failed to (fetch|load)/.test(one))).toEqual([]);
  });
});

/** Both pages may stand in different zones: times are left out. */
const words = (text: string) => text.replaceAll(/\d\d:\d\d:\d\d\.\d{3}/g, 'at').replaceAll(/\s+/g, ' ');

const samples = z.array(z.looseObject({ settledAt: z.string().nullable() }));

/** When the first failed sample was certain. */
async function firstFailed(url: string): Promise<number> {
  for (;;) {
    const answer = await fetch(`${url}/api/v1/samples?outcome=failed&probe=server-list&limit=1&format=jsonl`);
    const lines = (await answer.text()).split('\n').filter((line) => line !== '');
    const [first] = samples.parse(lines.map((line): unknown => JSON.parse(line)));
    if (first?.settledAt !== undefined && first.settledAt !== null) return Date.parse(first.settledAt);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
