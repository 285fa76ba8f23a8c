/**
 * Stops one service after another on the real cloud (test/real-cloud) and prints a table of what the probes report.
 *
 *   node test/real/causes.ts [--only stop|kill] [NAME...] > docs/causes.md
 *
 * OS_CLIENT_CONFIG_FILE is the clouds.yaml of that cloud, which nothing else may use meanwhile. Exits with code 1
 * if a probe was wrong. Keep the last sentence of docs/causes.md, which names the runs of its rows.
 */
import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';
import { secret } from '../../src/domain/redaction.ts';
import type { Sample } from '../../src/domain/sample.ts';
import type { SamplerEvent } from '../../src/domain/sampler-event.ts';
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
  const account = { name: user, domain };
  return openCloud({
    clock: timeline,
    access: {
      name: 'real',
      authUrl,
      auth: { type: 'password', user: account, password: secret(password), project: account },
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
    activeTimeout: 15_000,
    deleteTimeout: 30_000,
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
const creator = { prefix: 'rollwatch-', vantage: 'causes', run: `causes${process.pid}`, cloud: cloud.access.name };
const leaks: string[] = [];
const janitor = createJanitor({
  cloud,
  creator,
  deleteTimeout: 60_000,
  maxStuck: 5,
  emit: (event) => event.kind === 'leaked' && leaks.push(`${event.name}: ${event.message}`),
  log: (_level, message) => say(message),
});
janitor.start();

let session = 0;

/** Returns the samples from before `outage` until a server boots again after it. */
async function sampleAround(outage: () => Promise<void>): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  const emit = (event: SamplerEvent) => {
    if (event.type === 'sample') samples.push(event.sample);
  };
  session += 1;
  const place = { cloud: 'real', vantage: creator.vantage };
  const probes = probesOfCloud(cloud, place, {
    admin,
    session,
    creator,
    janitor,
    settings,
    clock: timeline,
    onFacts: () => {},
  });
  const runner = startRunner({ probes, session, timeline, emit, stallLimit: 500, drainTimeout: 60_000 });
  const waitForBoot = async (since: number, timeoutSeconds: number) => {
    const isOk = ({ probe, outcome, startedAt }: Sample) =>
      probe === 'server-boot' && outcome === 'ok' && startedAt > since;
    for (let second = 0; second < timeoutSeconds && !samples.some(isOk); second++) await pause(1);
    if (!samples.some(isOk)) say('no server could be booted');
  };
  await waitForBoot(0, 60);
  await outage();
  await waitForBoot(timeline.now(), 240);
  await runner.stop();
  return samples;
}

const columnOf = ({ probe, connection }: Sample): Column =>
  probe === 'server-boot' ? 'boot' : probe === 'token' ? 'token' : connection === 'new' ? 'list new' : 'list reused';

const outcomeOf = ({ outcome, cause }: Sample): string =>
  outcome === 'failed' ? `${cause.kind} ${cause.service}` : outcome === 'ok' ? 'ok' : `void ${cause.kind}`;

/** Returns whether a sample shows the outage: a boot that timed out has waited for 15 s without the service. */
function isInside({ probe, outcome, startedAt, endedAt }: Sample, from: number, until: number): boolean {
  const begun = startedAt >= from || (probe === 'server-boot' && outcome === 'failed' && endedAt >= from);
  const ended = endedAt <= until || (probe === 'server-boot' && startedAt <= until - 15_500);
  return begun && ended;
}

/** Measures one outage and prints its row. Returns whether the probes were right. */
async function measureRow(outage: Outage, kill: boolean): Promise<boolean> {
  say(`${outage.name} ${kill ? 'killed' : 'stopped'}`);
  let from = 0;
  let until = 0;
  const samples = await sampleAround(async () => {
    await real('stop', ...outage.services, ...(kill ? ['--kill'] : []));
    await pause(outage.later ?? 0);
    from = timeline.now();
    await pause(outage.watch);
    until = timeline.now();
    await real('start', ...outage.services);
  });
  const during = samples.filter((sample) => isInside(sample, from, until));
  let right = true;
  let isVisible = COLUMNS.every((column) => outage.expect[column].every((result) => result === 'ok'));
  const cells = COLUMNS.map((column) => {
    const counts = new Map<string, number>();
    const messages = new Map<string, string>();
    for (const sample of during.filter((candidate) => columnOf(candidate) === column)) {
      const outcome = outcomeOf(sample);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      if (sample.cause !== null) messages.set(outcome, sample.cause.message);
    }
    for (const [outcome, message] of messages) say(`  ${column}: ${outcome}: ${message}`);
    const expected = outage.expect[column];
    const results = [...counts.keys()].filter((result) => !result.startsWith('void '));
    const fits = results.length > 0 && results.every((result) => expected.includes(result));
    right &&= fits;
    isVisible ||= results.some((result) => result !== 'ok');
    const outcomes = [...counts].map(([result, count]) => `${result} (${count})`).join(', ') || 'nothing';
    return fits ? outcomes : `**${outcomes}**`;
  });
  console.log(
    `| ${outage.name} ${kill ? 'killed' : 'stopped'} | ${cells.join(' | ')} | ${right && isVisible ? 'yes' : '**no**'} |`,
  );
  return right && isVisible;
}

const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });
const chosen = OUTAGES.filter(
  ({ name }) => positionals.length === 0 || positionals.some((prefix) => name.startsWith(prefix)),
);
console.log(`# What probes report when a service is down

\`node test/real/causes.ts\` measured this on the real cloud of \`test/real-cloud\`. It stops (SIGTERM) or kills (SIGKILL) one service after another. All
probes sample at 1 Hz, one boot after the other, until the service is back. Each cell lists the kind and the service at fault of the samples' causes, with
the number of samples (after a failure they are more frequent). The last column says whether \`test/real/outages.ts\` lists all of them as right. An admin
user who may read os-services is configured (\`admin_cloud\`). Without one, Rollwatch distinguishes conductor and scheduler from the computes, but not from
each other (service \`nova\`).

| service | ${COLUMNS.join(' | ')} | right |
|---|${COLUMNS.map(() => '---').join('|')}|---|`);
let wrong = 0;
for (const kill of [false, true]) {
  if (values.only !== undefined && values.only !== (kill ? 'kill' : 'stop')) continue;
  for (const outage of chosen) if (!(await measureRow(outage, kill))) wrong++;
}
console.log(`
## Notes

- **RabbitMQ.** Nova's API workers wait for the message queue before they answer. So a write hangs first and, once all workers hang, every list does too. A
  read that was answered after a write had started to hang distinguishes this from an API that hangs by itself. The write may come from a boot or from the
  clean-up of an earlier one. If all workers are blocked from the start, there is no such read, and the cause stays \`response-timeout nova-api\`: from
  outside, the two cannot be distinguished. If some reads hang while later ones are answered, one of several API servers hangs, and a write that hangs then
  is no evidence of a problem with the message queue.
- **MariaDB.** Nova returns 500 with the database's exception. Without the database, Keystone cannot validate tokens. Once Nova's token cache has expired,
  Nova passes on Keystone's 503, and the service at fault is \`keystone\`, which sent it.
- **Neutron stopped** (not killed) still accepts connections for a while, and blocks Nova's workers as RabbitMQ does.
- **A compute that has been down for over 60 s** is excluded by the scheduler: \`no-valid-host\`, at once. Before that, the build waits for it until the
  time is up.
- **Conductor, scheduler and memcached** do not affect a list. Only boots show an outage of conductor or scheduler, and only latency shows one of
  memcached.
- **A boot that is not ACTIVE in time** is attributed to the stage that exceeded its usual time most, which is not necessarily the stage it is in when its
  time is up. The message shows the time of each stage: \`BUILD/networking after 15 s (accepted after 7.2 s, 7.8 s in scheduling)\`. nova-compute
  calls Neutron and Cinder, so they are not at fault as long as no host is chosen. Failed polls count as the cause only if the server was unobserved for
  longer than in any stage.
- **ERROR without a fault** is set by a nova-compute that was restarted during a build (\`_init_instance\`). Rollwatch polls such a server for another 5 s,
  in time, and the message says what became of it (\`ACTIVE 2.1 s later\`).`);
const left = await janitor.stop(60_000);
say(`${left.length} servers left; reported as leaked meanwhile: ${leaks.length}`);
for (const { name, message } of left) say(`  ${name}: ${message}`);
cloud.close();
admin.close();
process.exitCode = wrong === 0 && left.length === 0 ? 0 : 1;
