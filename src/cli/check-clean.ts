import { forgetKey } from '../checks/guest/key-pair.ts';
import { cleanUp } from '../checks/resources/clean.ts';
import { type Configuration, loadConfiguration } from '../config/configuration.ts';
import { type Check, pass } from '../domain/check.ts';
import { preflight } from '../openstack/diagnosis/preflight.ts';
import { keyFileOf, withClouds } from './check-clouds.ts';
import type { CheckFlags } from './check-flags.ts';
import { lineOf } from './check-lines.ts';
import { lockChecks } from './check-store.ts';
import { type Output, print } from './output.ts';

/** Deletes all that the checks have left. True: all of it is gone. Refused while a check is at work. */
export async function clean(flags: CheckFlags, output: Output): Promise<boolean> {
  const configuration = loadConfiguration({ configFile: flags.config, flags: { journal: flags.journal } });
  const lock = await lockChecks(configuration);
  try {
    return await cleanAll(configuration, flags, output);
  } finally {
    lock.release();
  }
}

async function cleanAll(
  configuration: Configuration,
  { json = false }: Pick<CheckFlags, 'json'>,
  output: Output,
): Promise<boolean> {
  const checks: Check[] = [];
  const { signal } = new AbortController();
  for (const watched of configuration.clouds) {
    await withClouds(watched, async (cloud, admin) => {
      const ready = await preflight(cloud, null, signal);
      if (ready.type !== 'ready') throw ready.refusal;
      // The administrator has made servers on every host, in his own project
      const projects = [cloud, ...(admin === null ? [] : [admin])];
      const cleaned = projects.map((one) => cleanUp(one, configuration.vantage, { limits: one.limits, signal }));
      checks.push(...(await Promise.all(cleaned)).flat());
    });
  }
  if (forgetKey(keyFileOf(configuration))) checks.push(pass('clean: the key to log in with', 'deleted'));
  const ok = checks.every(({ status }) => status !== 'fail');
  await print(output.out, json ? JSON.stringify({ ok, checks }, null, 2) : lineOf(checks, null, output));
  return ok;
}
