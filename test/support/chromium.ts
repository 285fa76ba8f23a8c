import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { tool } from './requirements.ts';

/** Debian's Chromium, because Playwright's own cannot be downloaded everywhere. */
const PATH = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

export const CHROMIUM = tool(PATH, 'chromium');

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: PATH,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--js-flags=--expose-gc',
    ],
  });

export type WatchedPage = {
  readonly page: Page;
  /** Problems of the page: exceptions, console errors, violations of the content security policy. */
  readonly problems: readonly string[];
};

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
  });
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return { page, problems };
}
