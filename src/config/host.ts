import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** What of the machine the configuration depends on: given, so that a test brings its own. */
export type Host = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  /** The system's configuration: /etc. */
  readonly etc: string;
};

export const thisHost = (): Host => ({ env: process.env, cwd: process.cwd(), home: homedir(), etc: '/etc' });

/** The variable's value; null when it is not set or empty, as OpenStack's clients see no difference either. */
export const variable = (host: Host, name: string): string | null => host.env[name] || null;

/** `~` is the home, as OpenStack's clients expand it; anything else that is relative starts at `base`. */
export function expandPath(path: string, { home, base }: { readonly home: string; readonly base: string }): string {
  if (path === '~') return home;
  if (path.startsWith('~/')) return join(home, path.slice(2));
  return isAbsolute(path) ? path : resolve(base, path);
}
