/** The page in a real browser, while a daemon watches the embedded cloud: what a person sees and when. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { reportSchema } from '../../src/api/report.ts';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { CHROMIUM, openBrowser, openPage, type WatchedPage } from '../support/chromium.ts';
import { discard, startWatch, type WatchProcess } from '../support/daemon.ts';
import { isMissing } from '../support/requirements.ts';
import { rollwatch } from '../support/rollwatch.ts';

const HOSTILE = `stop nova-api <img src=x onerror="alert('run')"><script>alert('run')</script>`;
/** Records what a page plays and shows: Chromium without a desktop does neither. */
const RECORD_ALERTS = `
  window.alerts_ = [];
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (at) { window.alerts_.push('tone'); start.call(this, at); };
  window.Notification = class { constructor(title) { window.alerts_.push(title); } };
  Object.assign(window.Notification, { permission: 'granted', requestPermission: async () => 'granted' });
`;
/** From the first failed sample to a window on the page. */
const SHOWN = 2000;

describe.skipIf(isMissing(CHROMIUM))('the page of a daemon', () => {
  let cloud: EmbeddedCloud;
  let watch: WatchProcess;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  let folder: string;
  /** When the task with the hostile name began. */
  let began: string;

  const report = (task: object) =>
    fetch(`${watch.url}/api/v1/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tasks: [task] }),
    });
  const windowsOf = (shown: Page) => shown.getByRole('region', { name: 'Windows' }).locator('tbody tr');
  const windowRows = () => windowsOf(page);
  const incidentRows = () => page.getByRole('region', { name: /^Incidents/ }).locator('tbody tr');
  /** Opens a part of a page that is folded. */
  const unfold = (shown: Page, name: string) => shown.getByRole('heading', { name, exact: true }).click();

  beforeAll(async () => {
    cloud = await startCloudWorker();
    folder = mkdtempSync(join(tmpdir(), 'rollwatch-page-'));
    writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
    const env = { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' };
    watch = await startWatch({ env, folder });
    browser = await openBrowser();
    watched = await openPage(browser);
    page = watched.page;
    await page.addInitScript(RECORD_ALERTS);
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
    await page.getByText('None: nothing was down.').waitFor();
    await unfold(page, 'Windows');
    await page.getByText('None: nothing was down or slow.').waitFor();
    expect(await page.title()).toContain('● up embedded');
  });

  it('shows the phase and its budget, and the task that is running', async () => {
    await rollwatch(['phase', 'maintenance'], { folder, env: { ROLLWATCH_URL: watch.url } });
    began = new Date().toISOString();
    await report({ id: 'hostile', name: HOSTILE, start: began, status: 'running' });
    await page.getByRole('heading', { name: 'Phase: maintenance' }).waitFor();
    await page.getByRole('img', { name: /^API downtime: 0 s, within the budget of 120 s$/ }).waitFor();
    await page.getByRole('region', { name: 'Now' }).getByText(`Running: task '${HOSTILE}'`).waitFor();
    await page.getByText('PASS so far:').waitFor();
  });

  it('keeps how the reader wants to be alerted', async () => {
    await page.getByText('Alerts', { exact: true }).click();
    await page.getByRole('checkbox', { name: 'play a sound' }).check();
    await page.getByRole('checkbox', { name: 'show a desktop notification' }).check();
    await page.getByText('Alerts on').click();
    expect(await page.evaluate("localStorage.getItem('rollwatch-alerts')")).toBe('sound notification');
    await page.evaluate('alerts_.length = 0');
  });

  it('shows an outage within two seconds of the failed sample: whether it is expected, its cause, its task', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await cloud.kill('nova-api');
    const failed = await firstFailed(watch.url);
    const banner = page.getByRole('region', { name: 'Now' });
    await banner
      .getByText(/^.? ?API.* down for \d+\.\d s$/)
      .first()
      .waitFor();
    await incidentRows().first().waitFor();
    await windowRows().first().waitFor();
    const shown = Date.now();
    expect(shown - failed).toBeLessThan(SHOWN);
    await banner.getByText(/connection-refused \(nova-api\)/).waitFor();
    await banner.getByText(`attributed to task '${HOSTILE}'`).waitFor();
    await banner
      .getByText(/^Expected: maintenance allows 120 s of API downtime; \d+\.\d s used, \d+ s left\.$/)
      .waitFor();
    await incidentRows().filter({ hasText: 'not over yet' }).first().waitFor();
    await windowRows().filter({ hasText: 'not over yet' }).first().waitFor();
    expect(await page.title()).toBe('▼ DOWN embedded - Rollwatch');
    expect(decodeURIComponent((await page.locator('link[rel=icon]').getAttribute('href')) ?? '')).toContain('#c43c12');
    expect(await banner.getByRole('status').innerText()).toMatch(/^Down: API/);
    expect(await page.evaluate('alerts_')).toEqual(['▼ DOWN embedded - Rollwatch', 'tone', 'tone', 'tone', 'tone']);
  });

  it('does not alert of what was down when it was opened', async () => {
    const opened = await page.context().newPage();
    await opened.addInitScript(RECORD_ALERTS);
    await opened.goto(watch.url);
    await opened.getByText('Alerts on').waitFor();
    await opened
      .getByRole('region', { name: 'Now' })
      .getByText('DOWN')
      .or(opened.getByText(/ down for /))
      .first()
      .waitFor();
    await opened.waitForTimeout(500);
    expect(await opened.evaluate('alerts_')).toEqual([]);
    await opened.close();
  });

  it('shows the end of the window when the service is back', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await cloud.start('nova-api');
    await report({
      id: 'hostile',
      name: HOSTILE,
      start: began,
      status: 'ok',
      end: new Date().toISOString(),
    });
    await page.getByRole('region', { name: 'Now' }).getByText('Up', { exact: true }).first().waitFor();
    await expect
      .poll(async () => (await incidentRows().allInnerTexts()).join('\n'), { timeout: 20_000 })
      .not.toContain('not over yet');
    await expect
      .poll(async () => (await windowRows().allInnerTexts()).filter((text) => /DOWN.*server-list/s.test(text)))
      .toHaveLength(2);
    await expect
      .poll(async () => (await windowRows().allInnerTexts()).join('\n'), { timeout: 20_000 })
      .not.toContain('not over yet');
  });

  it('takes an acknowledgement and a note about an incident', async () => {
    const row = incidentRows().first();
    await row.getByRole('button', { name: 'Acknowledge or add a note' }).click();
    await row.getByRole('textbox', { name: 'Note' }).fill('looking into it, <b>Ana</b>');
    await row.getByRole('button', { name: 'Acknowledge', exact: true }).click();
    await row.getByText('acknowledged: looking into it, <b>Ana</b>').waitFor();
    await row.getByRole('button', { name: 'Add a note' }).click();
    await row.getByRole('textbox', { name: 'Note' }).fill('was the deployment');
    await page.keyboard.press('Enter');
    await row.getByText('was the deployment').waitFor();
    await row.getByText('1 earlier note').click();
    await row.getByText('acknowledged: looking into it, <b>Ana</b>').waitFor();
    const { notes } = reportSchema.parse(await (await fetch(`${watch.url}/api/v1/report`)).json());
    expect(notes.map(({ acknowledges }) => acknowledges)).toEqual([true, false]);
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
    const note = page.locator('p.note', { hasText: 'Drag or Ctrl+wheel to zoom' });
    const whole = page.getByRole('button', { name: 'Whole run' });
    const isWhole = async () => (await whole.getAttribute('aria-pressed')) === 'true';
    const seen = async () => (await note.innerText()).split(',')[0];
    const timeline = page.getByRole('application', { name: /^4 series over/ });
    expect(await isWhole()).toBe(true);
    await timeline.press('+');
    await expect.poll(isWhole).toBe(false);
    await timeline.press('0');
    await expect.poll(isWhole).toBe(true);
    const box = await timeline.boundingBox();
    if (box === null) throw new Error('no timeline');
    await page.mouse.move(box.x + box.width * 0.4, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 5 });
    await page.mouse.up();
    await expect.poll(isWhole).toBe(false);
    const zoomed = await seen();
    await timeline.press('ArrowLeft');
    await expect.poll(seen).not.toBe(zoomed);
    await whole.click();
  });

  it('follows the run when zoomed at its end, by button and by key, until it is moved back', async () => {
    const note = page.locator('p.note', { hasText: 'Drag or Ctrl+wheel to zoom' });
    const until = async () => / to (\S+),/.exec(await note.innerText())?.[1];
    const timeline = page.getByRole('application', { name: /^4 series over/ });
    const follow = page.getByRole('button', { name: 'Follow' });
    const follows = async () => (await follow.getAttribute('aria-pressed')) === 'true';
    await timeline.press('+');
    await timeline.press('+');
    expect(await follows()).toBe(true);
    const before = await until();
    await expect.poll(until, { timeout: 5000 }).not.toBe(before);
    await timeline.press('ArrowLeft');
    await expect.poll(follows).toBe(false);
    const still = await until();
    await page.waitForTimeout(1500);
    expect(await until()).toBe(still);
    await timeline.press('End');
    await expect.poll(follows).toBe(true);
    await page.getByRole('button', { name: 'Last 5 min' }).click();
    await expect.poll(() => page.url()).toMatch(/#last=5m/);
  });

  it('keeps range, zone, filter, open parts and the selected window in its address', async () => {
    await windowRows().filter({ hasText: 'DOWN' }).first().getByRole('button').click();
    await page.getByRole('combobox', { name: 'Time zone' }).fill('Asia/Kathmandu');
    await page.getByRole('combobox', { name: 'probe' }).selectOption('server-list');
    await page.getByRole('checkbox', { name: 'only DOWN' }).check();
    await expect
      .poll(() => page.url())
      .toMatch(/#last=5m&zone=Asia\/Kathmandu&probe=server-list&only=down&window=down-.*&open=windows$/);
    const other = await openPage(browser);
    await other.page.goto(page.url());
    await other.page.getByRole('heading', { name: 'Samples around its edges' }).waitFor();
    expect(await other.page.getByRole('button', { name: 'Last 5 min' }).getAttribute('aria-pressed')).toBe('true');
    await other.page.getByText(/, Asia\/Kathmandu, following the run/).waitFor();
    const shown = windowsOf(other.page).getByRole('button', { name: /details$/ });
    await expect
      .poll(async () => (await shown.allInnerTexts()).sort())
      .toEqual([
        expect.stringMatching(/▼ DOWN\s+server-list new/),
        expect.stringMatching(/▼ DOWN\s+server-list reused/),
      ]);
    await other.page.getByRole('application', { name: /^2 series over/ }).waitFor();
    expect(other.problems).toEqual([]);
    await other.page.context().close();
    await page.getByRole('button', { name: 'Clear' }).click();
    await windowRows().filter({ hasText: 'DOWN' }).first().getByRole('button').click();
    await page.getByRole('button', { name: 'Whole run' }).click();
  });

  it('finds a task by its name, in windows and in the list of all tasks', async () => {
    await unfold(page, 'All tasks');
    const tasks = page.getByRole('region', { name: 'All tasks' }).locator('tbody tr');
    await tasks.filter({ hasText: HOSTILE }).first().waitFor();
    const search = page.getByRole('searchbox');
    await search.fill('nothing like that');
    await page.getByText('None with this filter.').first().waitFor();
    await expect.poll(() => tasks.count()).toBe(0);
    await search.fill('NOVA-API stop');
    await expect.poll(() => tasks.count()).toBe(1);
    await incidentRows().first().waitFor();
    await search.fill('');
    await unfold(page, 'All tasks');
  });

  it('copies a summary for a ticket', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy for a ticket' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const lines = z
      .string()
      .parse(await page.evaluate('navigator.clipboard.readText()'))
      .trimEnd()
      .split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^\*\*PASS: .*The run is not over\.\*\*$/);
    expect(lines[4]).toMatch(/^- <http:\/\/127\.0\.0\.1:\d+\//);
  });

  it('shows the answer and the start of the timeline without scrolling, and uses the width of a wide screen', async () => {
    for (const [width, height] of [
      [1440, 900],
      [1024, 768],
      [2560, 1440],
    ] as const) {
      const sized = await openPage(browser, { viewport: { width, height } });
      await sized.page.goto(watch.url);
      const banner = await sized.page.getByRole('region', { name: 'Now' }).boundingBox();
      const timeline = await sized.page.getByRole('application', { name: /^4 series over/ }).boundingBox();
      if (banner === null || timeline === null) throw new Error('no banner or no timeline');
      expect(banner.y + banner.height).toBeLessThan(height * 0.6);
      expect(timeline.y).toBeLessThan(height - 40);
      expect(timeline.width).toBeGreaterThan(width * 0.9);
      await sized.page.context().close();
    }
  });

  it('prints in light colours, with folded parts open and nothing wider than the paper', async () => {
    const dark = await openPage(browser, { colorScheme: 'dark' });
    await dark.page.goto(watch.url);
    await dark.page.getByRole('application', { name: /^4 series over/ }).waitFor();
    await dark.page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    await dark.page.setViewportSize({ width: 700, height: 1000 });
    await dark.page.evaluate("dispatchEvent(new Event('beforeprint'))");
    const printed = z.strictObject({
      page: z.string(),
      parts: z.array(z.boolean()),
      over: z.number(),
      tools: z.number(),
    });
    const seen = printed.parse(
      await dark.page.evaluate(`({
        page: getComputedStyle(document.documentElement).getPropertyValue('--page').trim(),
        parts: [...document.querySelectorAll('details.fold')].map(({ open }) => open),
        over: Math.max(...[...document.querySelectorAll('.timeline canvas')].map((it) => it.getBoundingClientRect().right))
          - document.querySelector('.timeline').getBoundingClientRect().right,
        tools: document.querySelector('.tools').getBoundingClientRect().height,
      })`),
    );
    expect(seen).toMatchObject({ page: '#fff', tools: 0 });
    expect(seen.parts.length).toBeGreaterThan(3);
    expect(seen.parts.every((open) => open)).toBe(true);
    expect(seen.over).toBeLessThanOrEqual(1);
    await dark.page.evaluate("dispatchEvent(new Event('afterprint'))");
    expect(await dark.page.locator('details.fold[open]').count()).toBe(0);
    expect(dark.page.url()).not.toContain('#');
    await dark.page.context().close();
  });

  it('shows what is under the pointer, and opens a window on a click', async () => {
    const timeline = page.getByRole('application', { name: /^4 series over/ });
    await timeline.press('0');
    await windowRows().filter({ hasText: 'DOWN' }).first().getByRole('button').click();
    await page.getByRole('button', { name: 'Show in the timeline', exact: true }).click();
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
    const banner = await phone.page.getByRole('region', { name: 'Now' }).boundingBox();
    expect((banner?.y ?? 0) + (banner?.height ?? Infinity)).toBeLessThan(844);
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
      .getByText(/^.? ?(Up|API|Boot|Nothing)/)
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
    await unfold(opened, 'Windows');
    const rows = windowsOf(opened);
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
