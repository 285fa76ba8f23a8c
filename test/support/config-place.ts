import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Host } from '../../src/config/host.ts';

/** The files and variables of a test. `DIR` in them is the folder that contains `work`, `home` and `etc`. */
export type Layout = {
  /** The text of each file by its path, such as 'work/clouds.yaml' or 'home/.config/openstack/clouds.yaml'. */
  readonly files?: Readonly<Record<string, string>>;
  /** Folders to create where a file is expected. */
  readonly folders?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

export type Place = {
  readonly host: Host;
  /** Replaces `DIR` with the path of the folder; `strip` reverses it. */
  fill(text: string): string;
  strip(text: string): string;
  clear(): void;
};

export function makePlace({ files = {}, folders = [], env = {} }: Layout): Place {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'rollwatch-config-')));
  const fill = (text: string): string => text.replaceAll('DIR', root);
  for (const folder of ['work', 'home', 'etc', ...folders]) mkdirSync(join(root, folder), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), fill(text));
  }
  return {
    host: {
      env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)])),
      cwd: join(root, 'work'),
      home: join(root, 'home'),
      etc: join(root, 'etc'),
    },
    fill,
    strip: (text) => text.replaceAll(root, 'DIR'),
    clear: () => rmSync(root, { recursive: true, force: true }),
  };
}
