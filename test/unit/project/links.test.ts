import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const files = ['*.md', 'docs/**/*.md', 'deploy/**/*.md', 'test/real-cloud/*.md'].flatMap((glob) =>
  globSync(glob, { cwd: root }),
);

const text = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Removes code, in which brackets are not links. */
const prose = (file: string): string =>
  text(file)
    .replaceAll(/^```[\s\S]*?^```$/gm, '')
    .replaceAll(/`[^`\n]*`/g, '');

/** As GitHub derives them from headings. */
const anchors = (file: string): readonly string[] =>
  [...text(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** Links within the repository, as `[file, target]`. */
const links = files.flatMap((file) =>
  [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => [file, target] as const)
    .filter(([, target]) => !/^[a-z]+:/.test(target)),
);

it('finds the links of the documents', () => {
  expect(links.length).toBeGreaterThan(50);
});

it.each(links)('%s: the link to %s leads somewhere', (file, link) => {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? file : join(dirname(file), path);
  expect(existsSync(join(root, target)), target).toBe(true);
  if (anchor !== undefined) expect(anchors(target)).toContain(anchor);
});
