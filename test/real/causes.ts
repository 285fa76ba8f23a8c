/**
 * Takes one service after the other away from the real cloud (test/real-cloud) and tables what the probes say of it.
 *
 *   node test/real/causes.ts [--only stop|kill] [NAME...] > docs/causes.md
 *
 * OS_CLIENT_CONFIG_FILE names the cloud's clouds.yaml; nobody else should use the cloud meanwhile. Exit code 1 where a
 * probe was wrong.
 */
import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';
import type { SamplerEvent } from '../../src/domain/ports.ts';
import type { Sample } from '../../src/domain/sample.ts';
import { secret } from '../../src/domain/secret.ts';
import { type Cloud, openCloud } from '../../src/openstack/cloud.ts';
import { createJanitor } from '../../src/probes/janitor.ts';
import { type ProbesSettings, probesOfCloud } from '../../src/probes/registry.ts';
import { createTimeline, machineClocks } from '../../src/sampler/clock.ts';
import { startRunner } from '../../src/sampler/runner.ts';
import { realCloud } from '../support/cloud-real.ts';
import { COLUMNS, type Column, OUTAGES, type Outage } from './outages.ts';

const run = promisify(execFile);
const script = new URL('../real-cloud/real-cloud', import.meta.url).pathname;
const real = (...parts: readonly string[]) => run(script, parts, { timeout: 300_000 });
const pause = (seconds: number) => new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000));
const say = (text: string) => process.stderr.write(`${new Date().toISOString()} ${text}\n`);

const found = realCloud();
if (found === null) throw new Error('OS_CLIENT_CONFIG_FILE must name the clouds.yaml of the real cloud');
const { authUrl, password } = found;
const timeline = createTimeline(machineClocks, 500);

function open(user: 'probe' | 'admin'): Cloud {
  const domain = { name: 'Default' };
  const who = { name: user, domain };
  return openCloud({
    clock: timeline,
    access: {
      name: 'real',
      authUrl,
      auth: { type: 'password', user: who, password: secret(password), project: who },
      regionName: null,
      interface: 'public',
      interfaces: {},
      tls: { ca: null, cert: null, key: null, verify: true },
      overrides: {},
      computeMicroversion: null,
      apiTimeout: null,
    },
  });
}

const afterFailure = { interval: 250, limit: 60_000 };
const paced = (interval: number, slow: number) => ({ enabled: true, interval, slow, afterFailure, timeout: 10_000 });
const settings: Partial<ProbesSettings> = {
  'server-list': { ...paced(1000, 1000), detail: true, limit: 100, connections: ['new', 'reused'] },
  'server-boot': {
    ...paced(1000, 10_000),
    budget: 15_000,
    deleteLimit: 30_000,
    poll: 250,
    requestTimeout: 10_000,
    flavor: 'm1.probe',
    image: 'probe',
    network: null,
    volume: null,
    availabilityZone: null,
    namePrefix: 'rollwatch-',
    maxStuck: 5,
  },
  token: paced(2000, 2000),
};

const cloud = open('probe');
const admin = open('admin');
const mark = { prefix: 'rollwatch-', vantage: 'causes', run: `causes${process.pid}`, cloud: cloud.access.name };
const leaks: string[] = [];
const janitor = createJanitor({
  cloud,
  creator: mark,
  deleteLimit: 60_000,
  maxStuck: 5,
  emit: (event) => event.kind === 'leaked' && leaks.push(`${event.name}: ${event.message}`),
  log: (_level, message) => say(message),
});
janitor.start();

let session = 0;

/** The samples from when everything is well until it is well again. */
async function sampled(during: () => Promise<void>): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  const emit = (event: SamplerEvent) => {
    if (event.type === 'sample') samples.push(event.sample);
  };
  session += 1;
  const place = { cloud: 'real', vantage: mark.vantage };
  const probes = probesOfCloud(cloud, place, {
    admin,
    session,
    creator: mark,
    janitor,
    settings,
    clock: timeline,
    onFacts: () => {},
  });
  const runner = startRunner({ probes, session, timeline, emit, stallLimit: 500, drainTimeout: 60_000 });
  const booted = async (since: number, tries: number) => {
    const isOk = (one: Sample) => one.probe === 'server-boot' && one.outcome === 'ok' && one.startedAt > since;
    for (let second = 0; second < tries && !samples.some(isOk); second++) await pause(1);
    if (!samples.some(isOk)) say('no server could be booted');
  };
  await booted(0, 60);
  await during();
  await booted(timeline.now(), 240);
  await runner.stop();
  return samples;
}

const columnOf = ({ probe, connection }: Sample): Column =>
  probe === 'server-boot' ? 'boot' : probe === 'token' ? 'token' : connection === 'new' ? 'list new' : 'list reused';

const saying = (one: Sample): string =>
  one.outcome === 'failed'
    ? `${one.cause.kind} ${one.cause.service}`
    : one.outcome === 'ok'
      ? 'ok'
      : `void ${one.cause.kind}`;

/** Whether it shows the outage: a boot that was late has waited for 15 s without the service. */
function isInside(one: Sample, from: number, until: number): boolean {
  const begun =
    one.startedAt >= from || (one.probe === 'server-boot' && one.outcome === 'failed' && one.endedAt >= from);
  const ended = one.endedAt <= until || (one.probe === 'server-boot' && one.startedAt <= until - 15_500);
  return begun && ended;
}

async function table(outage: Outage, kill: boolean): Promise<boolean> {
  say(`${outage.name} ${kill ? 'killed' : 'stopped'}`);
  let from = 0;
  let until = 0;
  const samples = await sampled(async () => {
    await real('stop', ...outage.services, ...(kill ? ['--kill'] : []));
    await pause(outage.later ?? 0);
    from = timeline.now();
    await pause(outage.watch);
    until = timeline.now();
    await real('start', ...outage.services);
  });
  const seen = samples.filter((one) => isInside(one, from, until));
  let right = true;
  let shows = COLUMNS.every((column) => outage.expect[column].every((one) => one === 'ok'));
  const cells = COLUMNS.map((column) => {
    const counts = new Map<string, number>();
    const messages = new Map<string, string>();
    for (const one of seen.filter((sample) => columnOf(sample) === column)) {
      counts.set(saying(one), (counts.get(saying(one)) ?? 0) + 1);
      if (one.cause !== null) messages.set(saying(one), one.cause.message);
    }
    for (const [what, message] of messages) say(`  ${column}: ${what}: ${message}`);
    const expected = outage.expect[column];
    const kinds = [...counts.keys()].filter((one) => !one.startsWith('void '));
    const fits = kinds.length > 0 && kinds.every((one) => expected.includes(one));
    right &&= fits;
    shows ||= kinds.some((one) => one !== 'ok');
    const told = [...counts].map(([what, count]) => `${what} (${count})`).join(', ') || 'nothing';
    return fits ? told : `**${told}**`;
  });
  console.log(
    `| ${outage.name} ${kill ? 'killed' : 'stopped'} | ${cells.join(' | ')} | ${right && shows ? 'yes' : '**no**'} |`,
  );
  return right && shows;
}

const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });
const chosen = OUTAGES.filter(
  ({ name }) => positionals.length === 0 || positionals.some((one) => name.startsWith(one)),
);
console.log(`# What the probes say when a service is away

Made by \`node test/real/causes.ts\` on the real cloud of \`test/real-cloud\`: one service after the other is stopped
(SIGTERM) or killed (SIGKILL), and all probes sample at 1 Hz, a boot after the other, until it is back. A cell has the
kind of each sample's cause and the service it blames, with the number of samples (those after a failure come faster);
the last column says whether each of them is one that \`test/real/outages.ts\` knows to be right. A user who may read
os-services (\`diagnosis.cloud\`) is there; without one, conductor and scheduler are told apart from the computes, but
not from each other (service \`nova\`).

| service | ${COLUMNS.join(' | ')} | right |
|---|${COLUMNS.map(() => '---').join('|')}|---|`);
let wrong = 0;
for (const kill of [false, true]) {
  if (values.only !== undefined && values.only !== (kill ? 'kill' : 'stop')) continue;
  for (const outage of chosen) if (!(await table(outage, kill))) wrong++;
}
console.log(`
## What stands behind some of these

- **RabbitMQ.** Nova's API workers wait for the message queue before they answer, so a write hangs first and, once all
  workers hang, so does every list. What tells this from an API that hangs by itself is a read that was answered after a
  write had begun to hang, whoever sent the write: a boot or the clean-up of an earlier one. Where all workers are held
  from the first moment, no such read exists, and the cause stays \`response-timeout nova-api\`: from outside, the two are
  the same. Where reads hang beside later ones that are answered, one of several API servers hangs, and a write that
  hangs then is no evidence of the message queue.
- **MariaDB.** Nova answers 500 with the database's exception. Keystone can't check tokens without it, so once Nova's
  token cache has run out it passes on Keystone's 503, and that is blamed on \`keystone\`, which made it.
- **Neutron stopped** (not killed) goes on accepting connections for a while, and holds Nova's workers as RabbitMQ does.
- **A compute that has been away for over 60 s** is left out by the scheduler: \`no-valid-host\`, at once; before that, the
  build waits for it until its budget is spent.
- **Conductor, scheduler and memcached** do not touch a list; an outage of those is seen by the boots alone, or, of
  memcached, by latency.`);
const left = await janitor.stop(60_000);
say(`${left.length} servers left; told as leaked on the way: ${leaks.length}`);
for (const one of left) say(`  ${one.name}: ${one.message}`);
cloud.close();
admin.close();
process.exitCode = wrong === 0 && left.length === 0 ? 0 : 1;
