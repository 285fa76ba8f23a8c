import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { UserError } from '../domain/errors.ts';
import { escaped, printableJson } from '../format/printable.ts';

/** The bundle that `npm run page` builds from src/web. */
export type PageFiles = { readonly script: string; readonly style: string };

/** The folder of the bundle, next to both `src` and `dist`. */
const PUBLIC = new URL('../../public/', import.meta.url);

/**
 * Reads the page's script and style.
 *
 * @throws UserError if they have not been built
 */
export function readPageFiles(): PageFiles {
  try {
    return {
      script: readFileSync(new URL('page.js', PUBLIC), 'utf8'),
      style: readFileSync(new URL('page.css', PUBLIC), 'utf8'),
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`the page has not been built (${reason}); run 'npm run page'`);
  }
}

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='3' fill='%231f9e7a'/%3E%3Crect x='6' width='4' height='16' fill='%23c43c12'/%3E%3C/svg%3E";

/** The content security policy of the page that a daemon serves: it uses that daemon only, and cannot be framed. */
export const LIVE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The page of a daemon, which fetches everything else. */
export const LIVE_DOCUMENT = documentOf({
  title: 'Rollwatch',
  head: '<link rel="stylesheet" href="page.css">\n<script type="module" src="page.js"></script>',
  body: `<noscript><p>This page needs JavaScript. The same report as text: <a href="api/v1/report?format=text">api/v1/report?format=text</a></p></noscript>`,
});

type FileOptions = PageFiles & {
  readonly title: string;
  /** The data for the page, see src/web/page-data.ts. */
  readonly data: unknown;
  /** Shown if scripts are disabled. */
  readonly text: string;
};

/** Returns the page with its data in one file. The policy lets the browser run only this script, and fetch nothing. */
export function fileDocument({ script, style, title, data, text }: FileOptions): string {
  const code = script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
  const policy = `default-src 'none'; script-src '${hash(code)}'; style-src '${hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'`;
  return documentOf({
    title,
    head: `<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">\n<style>${style}</style>`,
    body: `<noscript><pre>${escaped(text)}</pre></noscript>
<script type="application/json" id="rollwatch-data">${printableJson(data).replaceAll('<', '\\u003c')}</script>
<script type="module">${code}</script>`,
  });
}

const hash = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;

function documentOf({ title, head, body }: { title: string; head: string; body: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${ICON}">
<title>${escaped(title)}</title>
${head}
</head>
<body>
<div id="rollwatch"></div>
${body}
</body>
</html>
`;
}
