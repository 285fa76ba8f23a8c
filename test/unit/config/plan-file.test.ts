import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPlan } from '../../../src/config/plan-file.ts';
import { UserError } from '../../../src/domain/errors.ts';
import { createPhaseFinder } from '../../../src/domain/upgrade/phases.ts';
import { selector, task } from '../../support/tasks.ts';

const SHIPPED = 'kayobe, kolla-ansible, nova-rolling-upgrade, openstack-ansible, openstack-k8s-operators';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-plan-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = (given: string) => loadPlan(given, 'plan', (path) => join(folder, path));

function loadText(text: string) {
  writeFileSync(join(folder, 'plan.yaml'), text);
  return load('./plan.yaml');
}

function errorOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof UserError && error.exitCode === 2) return error.message.replaceAll(folder, 'DIR');
    throw error;
  }
  return 'no error';
}

describe('a plan', () => {
  it('needs only the names of its phases', () => {
    expect(loadText('phases:\n  - name: maintenance\n')).toEqual({
      name: 'plan',
      description: '',
      run: {},
      outside: {},
      phases: [{ name: 'maintenance', promise: '', begins: [], ends: [], budget: {} }],
    });
  });

  it('has budgets for the whole run and for the time outside phases', () => {
    const rest = '\nphases: [{name: a}]\n';
    const { run, outside } = loadText(`run: {api_downtime: 2m}\noutside: {api_downtime: 0s}${rest}`);
    expect([run, outside]).toEqual([{ api_downtime: 120 }, { api_downtime: 0 }]);
    expect(errorOf(() => loadText(`run: {api_downtme: 2m}${rest}`))).toContain('api_downtime');
    expect(errorOf(() => loadText(`outside: 3${rest}`))).toContain('outside');
  });

  it('has budgets in seconds, ratios and factors', () => {
    const { phases } = loadText(`
phases:
  - name: a
    budget: {api_downtime: 0, boot_downtime: 1m, longest_window: 500ms, consecutive_failures: 3, error_ratio: 0.5%, slowdown: 2.5}
`);
    expect(phases[0]?.budget).toEqual({
      api_downtime: 0,
      boot_downtime: 60,
      longest_window: 0.5,
      consecutive_failures: 3,
      error_ratio: 0.005,
      slowdown: 2.5,
    });
  });

  it.each(readdirSync(new URL('../../../plans/', import.meta.url)))('comes with Rollwatch as %s', (file) => {
    const plan = load(file.replace('.yaml', ''));
    expect(`${plan.name}.yaml`).toBe(file);
    expect(plan.phases.every(({ promise }) => promise !== '')).toBe(true);
  });

  it("recognises the phases of Nova's rolling upgrade by the tasks of the rehearsal on the real cloud", () => {
    const names = [
      'Expand the API schema',
      'Expand the cell schemas',
      'Check readiness',
      'Stop the control services gracefully, the API first',
      'Start them, conductor first and the API last',
      'Stop nova-compute gracefully',
      'Start nova-compute',
      'Stop nova-compute gracefully',
      'Start nova-compute',
      'Send SIGHUP to every service',
      'Migrate data online',
    ];
    const tasks = names.map((name, index) => task({ id: `${index}`, name, start: index * 1000 }));
    const plan = load('nova-rolling-upgrade');
    expect(createPhaseFinder(plan)({ tasks, marks: [] }).map(({ name, task: with_ }) => [name, with_])).toEqual([
      ['pre-maintenance', names[0]],
      ['maintenance', names[3]],
      ['computes', names[5]],
      ['finish', names[9]],
    ]);
  });

  const phases = (...entries: readonly string[]) => `phases:\n${entries.map((entry) => `  - ${entry}\n`).join('')}`;

  it.each([
    ['that is empty', '', 'phases is missing; it must be a list of 1 to 100 phases, in order'],
    ['that is a list', '- a', "the file is a list; it must be a mapping with the key 'phases'"],
    ['without phases', 'phases: []', 'phases is an empty list; it must be a list of 1 to 100 phases, in order'],
    ['with an unknown key', 'phase: []', 'unknown key phase; did you mean phases?'],
    [
      'with an unknown key in a phase',
      phases('{name: a, begin: {task: [x]}}'),
      'unknown key phases[0].begin; did you mean begins?',
    ],
    [
      'with an unknown budget',
      phases('{name: a, budget: {api_downtimes: 0}}'),
      'unknown key phases[0].budget.api_downtimes; did you mean api_downtime?',
    ],
    [
      'with a budget that is not a duration',
      phases('{name: a, budget: {api_downtime: soon}}'),
      'phases[0].budget.api_downtime must be a duration (500ms, 15s, 2m, 1h or a number of seconds)',
    ],
    [
      'with a ratio above 100%',
      phases('{name: a, budget: {error_ratio: 101%}}'),
      "phases[0].budget.error_ratio is '101%'; it must be a ratio or percentage, such as 0.005 or 0.5%",
    ],
    [
      'with a slowdown below 1',
      phases('{name: a, budget: {slowdown: 0.5}}'),
      'phases[0].budget.slowdown is 0.5; it must be a factor of at least 1, such as 2 for twice as slow',
    ],
    [
      'with a phase without a name',
      phases('{budget: {}}'),
      'phases[0].name is missing; it must be 1 to 63 letters, digits, dots, hyphens or underscores, starting with a letter or digit',
    ],
    [
      'with two phases of the same name',
      phases('{name: a}', '{name: a}'),
      'phases[1].name is the same as phases[0].name; phase names must be unique',
    ],
    [
      "with a phase named 'end'",
      phases('{name: end}'),
      "phases[0].name is 'end', which is reserved for ending the last phase; use another name",
    ],
    [
      'with a phase that never begins',
      phases('{name: a, begins: {}}'),
      'phases[0].begins is an empty mapping; it must be a mapping with one or more of task, tag, play, role, playbook and host, or a list of such mappings; omit it for a phase that is started by hand',
    ],
    [
      'with an empty list of tasks',
      phases('{name: a, begins: {task: []}}'),
      "phases[0].begins.task is an empty list; it must be a list of task names, in which * matches anything, such as 'Stop nova-api*'",
    ],
    [
      'with phases that begin with the same task',
      phases('{name: a, begins: {task: [Stop]}}', '{name: b, begins: {task: [x, stop]}}'),
      'phases[1].begins overlaps with phases[0].begins: task[1] would start both phases; change one of them',
    ],
    [
      'with a phase whose tasks all begin another one too',
      phases('{name: a, begins: {task: ["*stop*"]}}', '{name: b, begins: {task: ["stop nova-*"]}}'),
      'phases[1].begins overlaps with phases[0].begins: task[0] would start both phases; change one of them',
    ],
    [
      'with an unknown key in one of several beginnings',
      phases('{name: a, begins: [{task: [x]}, {plays: [y]}]}'),
      'unknown key phases[0].begins[1].plays; did you mean play?',
    ],
    [
      'with an empty list of beginnings',
      phases('{name: a, begins: []}'),
      'phases[0].begins is an empty list; it must be a mapping with one or more of task, tag, play, role, playbook and host, or a list of such mappings; omit it for a phase that is started by hand',
    ],
    [
      'with an end that selects nothing',
      phases('{name: a, ends: {}}'),
      'phases[0].ends is an empty mapping; it must be a mapping with one or more of task, tag, play, role, playbook and host, or a list of such mappings; omit it for a phase that lasts until the next one',
    ],
    [
      'with a task that only one of two phases restricts to a play',
      phases('{name: a, begins: {task: [Stop services]}}', '{name: b, begins: {task: [Stop services], play: [P]}}'),
      'phases[1].begins overlaps with phases[0].begins: task[0] would start both phases; change one of them',
    ],
    [
      'with a task in plays that both phases name',
      phases(
        '{name: a, begins: {task: [Stop services], play: [Install *]}}',
        '{name: b, begins: [{tag: [x]}, {task: [stop services], play: [Install compute]}]}',
      ),
      'phases[1].begins overlaps with phases[0].begins: [1].task[0] would start both phases; change one of them',
    ],
    [
      'with a phase that begins with any task of a play, and another with one of them',
      phases('{name: a, begins: {play: [P]}}', '{name: b, begins: {play: [P], task: [x]}}'),
      'phases[1].begins overlaps with phases[0].begins: task[0] would start both phases; change one of them',
    ],
    [
      'with a phase that begins with any task of a role, and another before it with one of them',
      phases('{name: a, begins: {tag: [x], role: [os_nova]}}', '{name: b, begins: {role: [os_*]}}'),
      'phases[1].begins overlaps with phases[0].begins: role[0] would start both phases; change one of them',
    ],
    [
      'with phases that begin with the same tag',
      phases('{name: a, begins: {tag: [t]}}', '{name: b, begins: {tag: [t]}}'),
      'phases[1].begins overlaps with phases[0].begins: tag[0] would start both phases; change one of them',
    ],
  ])('%s is rejected in one line', (_what, text, expected) => {
    expect(errorOf(() => loadText(text)).replace(/^DIR\/plan\.yaml:\d+: /, '')).toBe(expected);
  });

  it.each([
    ['plays', '{task: [Stop services], play: [Install control]}', '{task: [Stop services], play: [Install compute]}'],
    ['roles', '{role: [nova]}', '{role: [nova-cell]}'],
    ['playbooks', '{tag: [x], playbook: [a.yml]}', '{tag: [x], playbook: [b.yml]}'],
    ['hosts', '{task: [Stop services], host: [infra*]}', '{task: [Stop services], host: [nova_compute]}'],
    ['plays in a list', '[{task: [x], play: [P]}, {task: [y]}]', '[{task: [x], play: [Q]}, {task: [z], play: [P]}]'],
  ])('may tell phases that begin with the same task apart by %s', (_what, first, second) => {
    const { phases: found } = loadText(phases(`{name: a, begins: ${first}}`, `{name: b, begins: ${second}}`));
    expect(found.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('names the tasks that begin and end a phase, as a mapping or a list', () => {
    const text = phases('{name: a, begins: [{task: [x], role: [r]}, {host: [h]}], ends: {playbook: [b.yml]}}');
    const [phase] = loadText(text).phases;
    expect(phase).toMatchObject({
      begins: [selector({ task: ['x'], role: ['r'] }), selector({ host: ['h'] })],
      ends: [selector({ playbook: ['b.yml'] })],
    });
  });

  it('is rejected with the line of the mistake in a list of beginnings', () => {
    const text = 'phases:\n  - name: a\n    begins:\n      - task: [x]\n      - play: 3\n';
    expect(errorOf(() => loadText(text))).toBe(
      'DIR/plan.yaml:5: phases[0].begins[1].play is 3; it must be a list of play names',
    );
  });

  it('is rejected with the line of the mistake', () => {
    expect(errorOf(() => loadText('phases:\n  - name: a\n  - name: b\n    budget:\n      downtime: 1\n'))).toMatch(
      /^DIR\/plan\.yaml:5: /,
    );
  });

  it.each([
    ['nova', `plan must be ${SHIPPED} or a file path`],
    ['./none.yaml', 'plan: DIR/none.yaml does not exist; specify a readable file'],
    ['./', 'plan: DIR/ cannot be read: it is a directory; specify a readable file'],
  ])('named %s is rejected', (given, expected) => {
    expect(errorOf(() => load(given))).toBe(expected);
  });
});
