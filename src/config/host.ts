import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** What the configuration reads from the machine; tests pass their own. */
export type Host = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  /** The system's configuration folder, /etc. */
  readonly etc: string;
};

export const thisHost = (): Host => ({ env: process.env, cwd: process.cwd(), home: homedir(), etc: '/etc' });

/** Returns a variable's value; null if it is unset or empty, which OpenStack's clients do not distinguish either. */
export const variable = (host: Host, name: string): string | null => host.env[name] || null;

/** Expands `~` as OpenStack's clients do, and resolves other relative paths against `base`. */
export function expandPath(path: string, { home, base }: { readonly home: string; readonly base: string }): string {
  if (path === '~') return home;
  if (path.startsWith('~/')) return join(home, path.slice(2));
  return isAbsolute(path) ? path : resolve(base, path);
}
