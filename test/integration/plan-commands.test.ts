import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { rollwatch } from '../support/rollwatch.ts';

let folder: string;
const run = (...args: readonly string[]) => rollwatch(['plan', ...args], { folder });

const line = (second: string, message: string) => `2026-11-22 10:${second},000 p=8946 u=root n=ansible | ${message}\n`;
const task = (second: string, banner: string, host: string) =>
  line(second, `${banner} ****`) + line(second.replace(/\d$/, '9'), `changed: [${host}]`);

/** An upgrade with openstack-ansible, whose computes are in a play of another name. */
const LOG =
  line('20:00', 'PLAY [Install nova control-plane services] ****') +
  task('20:01', 'TASK [os_nova : Synchronize the nova API DB schema]', 'infra1') +
  task('21:00', 'RUNNING HANDLER [os_nova : Stop services]', 'infra1') +
  line('22:00', 'PLAY [Roll the computes] ****') +
  task('22:01', 'RUNNING HANDLER [os_nova : Stop services]', 'compute1') +
  line('23:00', 'PLAY [Finalize nova setup] ****') +
  task('23:01', 'TASK [os_nova : Perform a cell_v2 discover]', 'infra1') +
  line('24:00', 'PLAY RECAP ****');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-plan-'));
  writeFileSync(join(folder, 'ansible.log'), LOG);
  return () => rmSync(folder, { recursive: true, force: true });
});

describe('rollwatch plan', { timeout: 30_000 }, () => {
  it('lists the plans that come with Rollwatch', async () => {
    const { code, out } = await run('list', '--json');
    expect(code).toBe(0);
    const { plans } = JSON.parse(out);
    expect(plans.map(({ name, isDefault }: { name: string; isDefault: boolean }) => [name, isDefault])).toEqual([
      ['kayobe', false],
      ['kolla-ansible', false],
      ['nova-rolling-upgrade', true],
      ['openstack-ansible', false],
      ['openstack-k8s-operators', false],
    ]);
    expect((await run('list')).out).toMatch(/^ {2}openstack-ansible +pre-maintenance, maintenance, computes, finish /m);
  });

  it('says which phases begin when and with which task, and which tasks nearly begin the others', async () => {
    const log = ['--ansible-log', 'ansible.log', '--zone', 'utc'];
    const { code, out, err } = await run('check', 'openstack-ansible', ...log);
    expect([code, err]).toEqual([1, '']);
    expect(out.split('\n')).toEqual([
      'plan openstack-ansible against 4 tasks, 2026-11-22 10:20:01 to 2026-11-22 10:23:01 UTC',
      '',
      '  pre-maintenance: 10:20:01 to 10:21:00',
      "    begins with task 'os_nova : Synchronize the nova API DB schema' of play 'Install nova control-plane",
      "      services' on infra1",
      '  maintenance: 10:21:00 to 10:23:01',
      "    begins with handler 'os_nova : Stop services' of play 'Install nova control-plane services' on",
      '      infra1',
      '  computes: never begins',
      "    near: handler 'os_nova : Stop services' of play 'Install nova control-plane services': its play",
      '      differs',
      "    near: handler 'os_nova : Stop services' of play 'Roll the computes': its play differs",
      '  finish: 10:23:01 to 10:24:00',
      "    begins with task 'os_nova : Perform a cell_v2 discover' of play 'Finalize nova setup' on infra1",
      '',
      'computes never begins.',
      '',
    ]);
    const json = JSON.parse((await run('check', 'openstack-ansible', ...log, '--json')).out);
    expect(json).toMatchObject({ plan: 'openstack-ansible', tasks: 4, complete: false });
    expect(json.phases[2]).toMatchObject({ name: 'computes', task: null, near: [{}, { obstacle: 'play' }] });
    expect(json.phases[3]).toMatchObject({
      task: { name: 'Perform a cell_v2 discover', play: 'Finalize nova setup', hosts: ['infra1'] },
      intervals: [{ from: '2026-11-22T10:23:01.000Z', until: '2026-11-22T10:24:00.000Z' }],
    });
  });

  it('checks a plan against the tasks that Ansible lists', async () => {
    const tasks =
      '\nplaybook: p.yml\n\n  play #1 (all): Finalize nova setup\tTAGS: []\n    tasks:\n      x\tTAGS: []\n';
    writeFileSync(join(folder, 'tasks'), tasks);
    const { code, out } = await run('check', 'openstack-ansible', '--tasks', 'tasks');
    expect(code).toBe(1);
    expect(out).toContain("  finish: task 1 to task 2\n    begins with task 'x' of play 'Finalize nova setup'\n");
    expect(out).toMatch(/never begin\.\nThe list has no handlers: Ansible lists none, but logs them\.\n$/);
  });

  it('checks the configured plan, and a file without tasks', async () => {
    writeFileSync(join(folder, 'our.yaml'), 'phases:\n  - name: a\n    begins: {play: [P], task: [x]}\n  - name: b\n');
    writeFileSync(join(folder, 'rollwatch.yaml'), 'plan: ./our.yaml\n');
    const expected =
      "plan our\n  a\n    begins: task 'x', play 'P'\n    ends: with the next phase\n" +
      '  b\n    begins: by hand\n    ends: with the next phase\n\nTo check it against an upgrade, add --ansible-log or --tasks.\n';
    expect(await run('check')).toEqual({ code: 0, out: expected, err: '' });
    expect(await run('check', './our.yaml')).toEqual({ code: 0, out: expected, err: '' });
  });

  it('writes a plan that recognises the upgrade, and overwrites nothing', async () => {
    const log = ['--ansible-log', 'ansible.log', '--zone', 'utc'];
    const written = await run('init', 'our.yaml', ...log);
    expect(written).toEqual({
      code: 0,
      out: '',
      err: "wrote our.yaml: 4 of 4 phases begin with a task of that upgrade; check it with 'rollwatch plan check ./our.yaml'\n",
    });
    const checked = await run('check', './our.yaml', ...log);
    expect([checked.code, checked.err]).toEqual([0, '']);
    expect(checked.out).toContain(
      "begins with handler 'os_nova : Stop services' of play 'Roll the computes' on compute1",
    );
    const before = readFileSync(join(folder, 'our.yaml'), 'utf8');
    expect(await run('init', 'our.yaml', ...log)).toEqual({
      code: 2,
      out: '',
      err: 'rollwatch: our.yaml exists and is not overwritten; name another file\n',
    });
    expect(readFileSync(join(folder, 'our.yaml'), 'utf8')).toBe(before);
  });

  it.each([
    [['check', 'nova'], /^rollwatch: PLAN is 'nova'; it must be kayobe, kolla-ansible, .* or a file path\n$/],
    [['check', './none.yaml'], /^rollwatch: PLAN: .*none\.yaml does not exist; specify a readable file\n$/],
    [
      ['check', 'kayobe', '--tasks', 'ansible.log'],
      /^rollwatch: ansible\.log is not a list of tasks: it must be the output of .*\n$/,
    ],
    [['check', 'kayobe', '--tasks', 'none'], /^rollwatch: --tasks: none does not exist\n$/],
    [['check', 'kayobe', '--ansible-log', 'none'], /^rollwatch: none does not exist\n$/],
    [
      ['check', 'kayobe', '--tasks', 'a', '--ansible-log', 'b'],
      /^rollwatch: --ansible-log cannot be used with --tasks; use one of them\n$/,
    ],
    [['check', 'kayobe', '--ansible-log', 'ansible.log', '--zone', 'Mars'], /^rollwatch: .*Mars.*\n$/],
    [['init'], /^rollwatch: plan init needs the tasks of an earlier upgrade: add --ansible-log or --tasks\n$/],
    [['init', 'no/folder.yaml', '--ansible-log', 'ansible.log'], /^rollwatch: cannot write no\/folder\.yaml: .*\n$/],
  ])('rejects %j in one line', async (args, message) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
  });
});
