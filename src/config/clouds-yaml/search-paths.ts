import { join } from 'node:path';
import { type Host, variable } from '../host.ts';

/** The folders in which OpenStack's clients look, in order (openstack/config/loader.py). */
function folders(host: Host): readonly string[] {
  const home = variable(host, 'SNAP_REAL_HOME') ?? host.home;
  const own = variable(host, 'XDG_CONFIG_HOME') ?? join(host.home, '.config');
  const site = (variable(host, 'XDG_CONFIG_DIRS') ?? join(host.etc, 'xdg')).split(':');
  const all = [host.cwd, ...[own, join(home, '.config'), ...site, host.etc].map((one) => join(one, 'openstack'))];
  return [...new Set(all)];
}

/** Where `clouds.yaml`, `secure.yaml` or `clouds-public.yaml` may lie. */
export const candidates = (host: Host, base: 'clouds' | 'secure' | 'clouds-public'): readonly string[] =>
  folders(host).flatMap((folder) => ['yaml', 'yml', 'json'].map((suffix) => join(folder, `${base}.${suffix}`)));

/** The usual three, to tell a person where to put one. */
export const USUAL_PLACES = '., ~/.config/openstack or /etc/openstack';
