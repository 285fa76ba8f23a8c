/** Takes the pictures of the README again: a rehearsal in a real browser. npm run screenshots */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { openBrowser, openPage } from './support/chromium.ts';

const OUT = fileURLToPath(new URL('../docs/images/', import.meta.url));
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const WIDE = { width: 1240, height: 1000 };
const PHONE = { width: 390, height: 844 };

const folder = mkdtempSync(join(tmpdir(), 'rollwatch-pictures-'));
writeFileSync(join(folder, 'rollwatch.yaml'), 'vantage: deploy1\n');
mkdirSync(OUT, { recursive: true });
const child = spawn(process.execPath, [MAIN, 'rehearse', '--config', join(folder, 'rollwatch.yaml')], {
  stdio: ['ignore', 'ignore', 'pipe'],
});
let output = '';
child.stderr.on('data', (part: Buffer) => {
  output += part.toString();
});
const browser = await openBrowser();
try {
  const until = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const [, found] = pattern.exec(output) ?? [];
      if (found !== undefined) return found;
      await delay(100);
    }
  };
  const url = await until(/upgrade: (http\S+)/);
  const open = async (viewport: typeof WIDE, colorScheme: 'light' | 'dark'): Promise<Page> => {
    const { page } = await openPage(browser, { viewport, colorScheme, deviceScaleFactor: 1.5, timezoneId: 'UTC' });
    await page.goto(url);
    return page;
  };
  const shoot = (page: Page, name: string) => page.screenshot({ path: join(OUT, `${name}.png`) });

  const [light, dark, phone] = [await open(WIDE, 'light'), await open(WIDE, 'dark'), await open(PHONE, 'dark')];
  const status = z.looseObject({ series: z.array(z.looseObject({ state: z.string() })) });
  for (;;) {
    const { series } = status.parse(await (await fetch(`${url}/api/v1/status`)).json());
    if (series.some(({ state }) => state === 'down')) break;
    await delay(200);
  }
  await delay(7000);
  await shoot(light, 'page-down');
  await shoot(phone, 'page-phone');

  await until(/(Still serving)/);
  for (const [page, name, top] of [
    [dark, 'page-timeline', 'section[aria-labelledby=timeline-title]'],
    [light, 'page-window', 'section[aria-labelledby=windows-title] tr.open'],
  ] as const) {
    await page
      .getByRole('button', { name: /^\d+ windows?$/ })
      .first()
      .click();
    await page.getByRole('group', { name: /^In the order/ }).waitFor();
    await page.evaluate(`scrollTo(0, document.querySelector('${top}').getBoundingClientRect().top + scrollY - 12)`);
    await delay(500);
    await shoot(page, name);
  }
} finally {
  await browser.close();
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
}
