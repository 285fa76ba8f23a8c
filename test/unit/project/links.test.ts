import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const files = ['*.md', 'docs/**/*.md', 'deploy/**/*.md', 'test/real-cloud/*.md'].flatMap((glob) =>
  globSync(glob, { cwd: root }),
);

const text = (file: string): string => readFileSync(join(root, file), 'utf8');

const withoutExamples = (file: string): string => text(file).replaceAll(/^```[\s\S]*?^```$/gm, '');

/** Removes code, in which brackets are not links. */
const prose = (file: string): string => withoutExamples(file).replaceAll(/`[^`\n]*`/g, '');

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

/** Names that look like files of the repository and are not. */
const ELSEWHERE: readonly (readonly [name: RegExp, reason: string])[] = [
  [/^(clouds(-public)?|secure)\.(ya?ml|json)$/, 'OpenStack clients read them: files of the user'],
  [/^\.\/(rollwatch|our-plan)\.yaml$|^our-plan\.yaml$/, 'files of the user'],
  [/^(\.\/)?etc\/tempest\.conf$|^run-upgrade\.sh$/, 'of Tempest and openstack-ansible'],
  [/^public\/$/, '`npm run page` writes it'],
  [/^(BUILD\/networking|127\.0\.0\.0\/8|mycloud\/Region\w+)$/, 'not files: a state, a network, regions of a cloud'],
];

/** Without those whose names begin with a dot. */
const paths = globSync('**', { cwd: root, exclude: ['**/node_modules', 'public'] });

/** Whether the repository has `name`, in any folder. `*` is any part of a file's name. */
function isInRepository(name: string): boolean {
  const parts = name.replace(/\/$/, '').split('*').map(RegExp.escape);
  const pattern = new RegExp(`(^|/)${parts.join('[^/]*')}$`);
  return existsSync(join(root, name)) || paths.some((path) => pattern.test(path));
}

const isFileName = (word: string): boolean =>
  /^[\w.*-]+(\/[\w.*-]+)*\/?$/.test(word) && /\/|[\w*]\.(tsx?|css|cjs|py|sh|md|json|ya?ml|service)$/.test(word);

/** Files and folders that a document names in back-ticks, alone or in a command. */
const namedFiles = (file: string): readonly string[] =>
  [...withoutExamples(file).matchAll(/`([^`\n]+)`/g)]
    .flatMap(([, code = '']) => code.split(' '))
    .filter((word) => isFileName(word) && !ELSEWHERE.some(([name]) => name.test(word)));

/** The changelog may name what no longer exists; test/real-cloud names files of the cloud that it installs. */
const documents = files.filter((file) => /^(docs\/.*|CONTRIBUTING\.md|README\.md)$/.test(file));

it('finds the files that the documents name', () => {
  expect(documents.flatMap(namedFiles).length).toBeGreaterThan(100);
});

it.each(documents)('%s: the files and folders that it names exist', (file) => {
  expect(namedFiles(file).filter((name) => !isInRepository(name))).toEqual([]);
});
