/** The deployments: the compose file is valid, and the steps of the Dockerfile build a daemon that runs. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { freePort } from '../support/free-port.ts';
import { isMissing, ROOT, tool } from '../support/requirements.ts';
import { inMachine, NSPAWN } from '../support/systemd.ts';

const root = new URL('../../', import.meta.url).pathname;
const NOBODY = 65_534;

const composeSchema = z.looseObject({
  services: z.record(
    z.string(),
    z.looseObject({
      image: z.string(),
      read_only: z.boolean().optional(),
      cap_drop: z.array(z.string()).optional(),
      security_opt: z.array(z.string()).optional(),
      ports: z.array(z.string()).optional(),
      volumes: z.array(z.string()).optional(),
    }),
  ),
});

describe('docker-compose.yml', () => {
  it
    .skipIf(isMissing(tool('docker-compose', 'docker-compose')))
    .each([[['config', '-q']], [['--profile', 'rehearse', 'config', '-q']]])(
    'is accepted by docker compose %j',
    (args) => {
      const { status, stdout, stderr } = spawnSync('docker-compose', args, { cwd: root, encoding: 'utf8' });
      expect({ status, output: stdout + stderr }).toEqual({ status: 0, output: '' });
    },
  );

  const { services } = composeSchema.parse(
    parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }),
  );

  it.each(Object.entries(services))('hardens and pins %s', (_, service) => {
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    expect(service.image).toMatch(/^rollwatch:local$|:v?\d+\.\d+\.\d+$/);
    expect(service.ports?.filter((port) => !port.startsWith('127.0.0.1:')) ?? []).toEqual([]);
  });

  it('mounts only existing files', () => {
    const mounted = Object.values(services).flatMap(({ volumes = [] }) =>
      volumes.map((one) => one.split(':')[0] ?? ''),
    );
    const files = mounted.filter((path) => path.startsWith('./'));
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('the other deployments', () => {
  it('Kubernetes has one replica that can write only to its volumes', () => {
    const documents = parseAllDocuments(readFileSync(join(root, 'deploy/kubernetes/rollwatch.yaml'), 'utf8')).map(
      (one): unknown => one.toJS(),
    );
    const kinds = documents.map((one) => z.looseObject({ kind: z.string() }).parse(one).kind);
    expect(kinds).toEqual(['ConfigMap', 'PersistentVolumeClaim', 'Deployment', 'Service', 'ServiceMonitor']);
    expect(documents[2]).toMatchObject({
      spec: {
        replicas: 1,
        strategy: { type: 'Recreate' },
        template: {
          spec: {
            containers: [{ securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false } }],
          },
        },
      },
    });
  });

  const isSystemdMissing = isMissing(tool('systemd-analyze', 'systemd'));
  it.skipIf(isSystemdMissing)('the systemd unit is valid', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollwatch-unit-'));
    const unit = join(folder, 'rollwatch.service');
    const text = readFileSync(join(root, 'deploy/systemd/rollwatch.service'), 'utf8');
    writeFileSync(unit, text.replace('/usr/local/bin/rollwatch', '/bin/true'));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect({ status, ours: stderr.split('\n').filter((line) => line.includes('rollwatch')) }).toEqual({
      status: 0,
      ours: [],
    });
  });

  it.skipIf(isSystemdMissing)('the systemd unit has limits and a low exposure level', () => {
    const unit = join(root, 'deploy/systemd/rollwatch.service');
    const text = readFileSync(unit, 'utf8');
    expect(text).toMatch(/^MemoryMax=1G$/m);
    // Below zero, the kernel would kill a process of the upgrade before Rollwatch.
    expect(text).not.toMatch(/^OOMScoreAdjust=-/m);
    const { status, stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=15', unit], {
      encoding: 'utf8',
    });
    expect({ status, stdout: status === 0 ? '' : stdout }).toEqual({ status: 0, stdout: '' });
  });

  it('each accepts the host names that others use for it', () => {
    const settings = z.looseObject({ allowed_hosts: z.array(z.string()) });
    const compose = settings.parse(parse(readFileSync(join(root, 'deploy/compose/rollwatch.yaml'), 'utf8')));
    const scraped = readFileSync(join(root, 'deploy/compose/prometheus.yml'), 'utf8').match(/\w+(?=:9774)/g);
    expect(compose.allowed_hosts).toEqual(scraped);
    const [config] = parseAllDocuments(readFileSync(join(root, 'deploy/kubernetes/rollwatch.yaml'), 'utf8'));
    const data = z.looseObject({ data: z.record(z.string(), z.string()) }).parse(config?.toJS()).data;
    expect(settings.parse(parse(data['rollwatch.yaml'] ?? '')).allowed_hosts).toContain('rollwatch.default.svc');
  });

  it.skipIf(isMissing(ROOT, NSPAWN))(
    'the systemd unit watches with secrets that only root can read',
    { timeout: 120_000 },
    async () => {
      await using cloud = await cloudFor();
      const folder = mkdtempSync(join(tmpdir(), 'rollwatch-bin-'));
      const command = '#!/bin/sh\nexec /opt/node /opt/rollwatch/src/main.ts "$@"\n';
      writeFileSync(join(folder, 'rollwatch'), command, { mode: 0o755 });
      chmodSync(folder, 0o755);
      const secrets = '/run/credentials/rollwatch.service';
      const port = await freePort();
      const printed = await inMachine({
        mounts: { '/opt/rollwatch': root, '/opt/node': realpathSync(process.execPath), '/usr/local/bin': folder },
        files: {
          '/etc/systemd/system/rollwatch.service': {
            text: readFileSync(join(root, 'deploy/systemd/rollwatch.service'), 'utf8'),
            mode: 0o644,
          },
          '/etc/openstack/clouds.yaml': { text: readFileSync(cloud.clouds, 'utf8'), mode: 0o600 },
          '/etc/rollwatch/secrets/token': { text: 'right-0123456789\n', mode: 0o600 },
          '/etc/rollwatch/environment': { text: 'OS_CLOUD=embedded\n', mode: 0o600 },
          '/etc/rollwatch/rollwatch.yaml': {
            text: `listen: 127.0.0.1:${port}\ntoken_file: ${secrets}/secret_token\n`,
            mode: 0o644,
          },
        },
        script: `
systemctl start rollwatch.service --job-mode=ignore-dependencies
url=http://127.0.0.1:${port}
tries=0
until curl -sf -m 5 $url/readyz; do tries=$((tries + 1)); [ $tries -lt 60 ] || break; sleep 1; done
echo
curl -s -o /dev/null -w 'proxied: %{http_code}\n' -m 5 -X POST -H 'X-Forwarded-For: 203.0.113.9' $url/api/v1/pause
curl -s -o /dev/null -w 'wrong: %{http_code}\n' -m 5 -X POST -H 'Authorization: Bearer wrong' $url/api/v1/pause
curl -s -o /dev/null -w 'right: %{http_code}\n' -m 5 -X POST -H 'Authorization: Bearer right-0123456789' $url/api/v1/pause
stat -c '%a %U %n' ${secrets}/* /var/lib/private/rollwatch
systemctl show rollwatch.service -p MemoryMax -p OOMScoreAdjust
systemctl stop rollwatch.service
systemctl show rollwatch.service -p Result -p ExecMainStatus
journalctl -u rollwatch --no-pager -o cat
`,
      });
      rmSync(folder, { recursive: true });
      expect(printed).toContain('{"ready":true,"paused":false}\nproxied: 401\nwrong: 401\nright: 200\n');
      expect(printed).toContain(`400 rollwatch ${secrets}/clouds.yaml\n400 rollwatch ${secrets}/secret_token\n`);
      expect(printed).toContain('700 rollwatch /var/lib/private/rollwatch\n');
      expect(printed).toContain('MemoryMax=1073741824\nOOMScoreAdjust=0\n');
      expect(printed).toMatch(/Result=success\nExecMainStatus=0\n/);
      expect(printed).toContain('All test servers were deleted.');
    },
  );
});

type Step = { readonly word: string; readonly rest: string };

const steps: readonly Step[] = readFileSync(join(root, 'Dockerfile'), 'utf8')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [word = '', ...rest] = line.trim().split(/\s+/);
    return { word, rest: rest.join(' ') };
  });

/**
 * Executes the steps like docker build, each stage in a folder used as its root. Returns the folder of the last stage.
 */
function build(folder: string): { readonly image: string; readonly entrypoint: readonly string[] } {
  let stage = '';
  let work = '';
  let entrypoint: readonly string[] = [];
  const inside = (path: string) => (path.startsWith('/') ? join(stage, path) : join(work, path));
  for (const { word, rest } of steps) {
    if (word === 'FROM') {
      stage = join(folder, / AS (\w+)/.exec(rest)?.[1] ?? 'image');
      expect(rest).toMatch(/^node:24\.\d+\.\d+-\w+-slim\b/);
    } else if (word === 'WORKDIR') {
      work = join(stage, rest);
      mkdirSync(work, { recursive: true });
    } else if (word === 'COPY') {
      const words = rest.split(' ');
      const from = /^--from=(\w+)/.exec(words[0] ?? '')?.[1];
      const paths = from === undefined ? words : words.slice(1);
      const to = paths.at(-1) ?? '';
      for (const path of paths.slice(0, -1)) {
        const source = from === undefined ? join(root, path) : join(folder, from, path);
        cpSync(source, to.endsWith('/') ? join(inside(to), basename(path)) : inside(to), {
          recursive: true,
          verbatimSymlinks: true,
        });
      }
    } else if (word === 'RUN') {
      // The image has the user node and its own root.
      const command = rest.replace('-o node -g node /', `-o ${NOBODY} -g ${NOBODY} ${stage}/`);
      const ran = spawnSync('sh', ['-euc', command], {
        cwd: work,
        encoding: 'utf8',
        // npm finds its registry in the machine's configuration.
        env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` },
      });
      expect({ command, output: ran.status === 0 ? '' : ran.stdout + ran.stderr }).toEqual({ command, output: '' });
    } else if (word === 'ENTRYPOINT') entrypoint = z.array(z.string()).parse(JSON.parse(rest));
  }
  return { image: stage, entrypoint };
}

describe.skipIf(isMissing(ROOT))('the steps of the Dockerfile', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-image-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('build a daemon that runs as a user who cannot write to its files', async () => {
    const { image, entrypoint } = build(folder);
    expect(readdirSync(join(image, 'opt/rollwatch')).toSorted()).toEqual([
      'ansible',
      'dist',
      'node_modules',
      'package.json',
      'plans',
      'public',
    ]);
    expect(existsSync(join(image, 'opt/rollwatch/node_modules/vite'))).toBe(false);
    // Build tools are removed: they would add megabytes and security updates.
    rmSync(join(folder, 'build'), { recursive: true });
    chmodSync(folder, 0o755);
    const state = join(image, 'var/lib/rollwatch');
    await using cloud = await cloudFor();
    const [command = '', main = ''] = entrypoint;
    expect([command, main]).toEqual(['node', '/opt/rollwatch/dist/main.js']);
    const child = spawn(
      'unshare',
      [
        '--mount',
        'sh',
        '-euc',
        `mount --bind ${image} ${image}; mount -o remount,ro,bind ${image}; mount --bind ${cloud.state} ${state}; cd ${state}
         exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups --no-new-privs --bounding-set=-all ${process.execPath} ${join(image, main)} watch --json --listen 127.0.0.1:0`,
      ],
      {
        env: {
          PATH: '/usr/bin:/bin',
          NODE_ENV: 'production',
          OS_CLOUD: 'embedded',
          OS_CLIENT_CONFIG_FILE: cloud.clouds,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    let printed = '';
    child.stderr.on('data', (part: Buffer) => {
      output += part.toString();
    });
    child.stdout.on('data', (part: Buffer) => {
      printed += part.toString();
    });
    const ended = once(child, 'exit');
    try {
      await expect.poll(() => output, { timeout: 30_000 }).toMatch(/"url":"/);
      const url = /"url":"([^"]+)"/.exec(output)?.[1] ?? '';
      await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: 20_000 }).toBe(200);
      expect((await fetch(`${url}/page.js`)).status).toBe(200);
      await expect
        .poll(
          async () =>
            (await (await fetch(`${url}/metrics`)).text()).match(/rollwatch_probe_up\{[^}]*server-boot[^}]*\} 1/)
              ?.length,
          { timeout: 30_000 },
        )
        .toBe(1);
      const owner = spawnSync('ps', ['-o', 'uid=', '-p', String(child.pid)], { encoding: 'utf8' }).stdout.trim();
      expect(owner).toBe(String(NOBODY));
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
    expect({ code: child.exitCode, output: child.exitCode === 0 ? '' : output }).toEqual({ code: 0, output: '' });
    expect(JSON.parse(printed)).toHaveProperty('run.version');
    expect(readdirSync(cloud.state)).toContain('rollwatch.sqlite');
    expect(readdirSync(state)).toEqual([]);
  });
});

async function cloudFor() {
  const cloud = await startCloudWorker();
  const state = mkdtempSync(join(tmpdir(), 'rollwatch-state-'));
  const clouds = join(state, 'clouds.yaml');
  writeFileSync(clouds, cloud.cloudsYaml());
  for (const path of [state, clouds]) chownSync(path, NOBODY, NOBODY);
  return {
    state,
    clouds,
    async [Symbol.asyncDispose]() {
      await cloud.close();
      rmSync(state, { recursive: true, force: true });
    },
  };
}
