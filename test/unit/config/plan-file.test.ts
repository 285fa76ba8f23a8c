import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPlan } from '../../../src/config/plan-file.ts';
import { createPhaseFinder } from '../../../src/domain/upgrade/phases.ts';
import { Refusal } from '../../../src/domain/user-error.ts';
import { task } from '../../support/tasks.ts';

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

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal && error.exitCode === 2) return error.message.replaceAll(folder, 'DIR');
    throw error;
  }
  return 'taken';
}

describe('a plan', () => {
  it('may leave out all but the names of its phases', () => {
    expect(loadText('phases:\n  - name: maintenance\n')).toEqual({
      name: 'plan',
      description: '',
      run: {},
      outside: {},
      phases: [{ name: 'maintenance', promise: '', begins: { task: [], tag: [] }, budget: {} }],
    });
  });

  it('has budgets of the whole run and of the time outside every phase', () => {
    const rest = '\nphases: [{name: a}]\n';
    const { run, outside } = loadText(`run: {api_downtime: 2m}\noutside: {api_downtime: 0s}${rest}`);
    expect([run, outside]).toEqual([{ api_downtime: 120 }, { api_downtime: 0 }]);
    expect(refusal(() => loadText(`run: {api_downtme: 2m}${rest}`))).toContain('api_downtime');
    expect(refusal(() => loadText(`outside: 3${rest}`))).toContain('outside');
  });

  it('has budgets in seconds, shares and factors', () => {
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

  it.each(readdirSync(new URL('../../../plans/', import.meta.url)))('is shipped as %s', (file) => {
    const plan = load(file.replace('.yaml', ''));
    expect(`${plan.name}.yaml`).toBe(file);
    expect(plan.phases.every(({ promise }) => promise !== '')).toBe(true);
  });

  it("tells the phases of Nova's rolling upgrade by the tasks of the real cloud's rehearsal", () => {
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

  const phases = (...some: readonly string[]) => `phases:\n${some.map((one) => `  - ${one}\n`).join('')}`;

  it.each([
    ['that is empty', '', 'phases is missing; it must be a list of phases in their order, at most 100 of them'],
    ['that is a list', '- a', 'it is a list; it must be a mapping with phases'],
    [
      'without phases',
      'phases: []',
      'phases is an empty list; it must be a list of phases in their order, at most 100 of them',
    ],
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
      'with a budget that is no duration',
      phases('{name: a, budget: {api_downtime: soon}}'),
      'phases[0].budget.api_downtime must be a duration (500ms, 15s, 2m, 1h or a number of seconds)',
    ],
    [
      'with a share of more than all',
      phases('{name: a, budget: {error_ratio: 101%}}'),
      "phases[0].budget.error_ratio is '101%'; it must be a share, such as 0.5% or 0.005",
    ],
    [
      'with a slowdown that is a speed-up',
      phases('{name: a, budget: {slowdown: 0.5}}'),
      'phases[0].budget.slowdown is 0.5; it must be a factor of 1 or more, such as 2 for twice as slow',
    ],
    [
      'with a phase without a name',
      phases('{budget: {}}'),
      'phases[0].name is missing; it must be letters, digits, dots, hyphens and underscores, 1 to 63 of them, beginning with a letter or digit',
    ],
    [
      'with two phases of a name',
      phases('{name: a}', '{name: a}'),
      'phases[1].name is that of phases[0] too; give it a name of its own',
    ],
    [
      "with a phase named 'end'",
      phases('{name: end}'),
      "phases[0].name is 'end', which ends the last phase; name it otherwise",
    ],
    [
      'with a phase that can never begin',
      phases('{name: a, begins: {}}'),
      "phases[0].begins is a mapping; it must be a mapping with 'task' or 'tag': it is never begun like this; leave it out for a phase that is begun by hand",
    ],
    [
      'with no pattern',
      phases('{name: a, begins: {task: []}}'),
      "phases[0].begins.task is an empty list; it must be a list of names of tasks, in which * stands for anything, such as 'Stop nova-api*'",
    ],
    [
      'with phases that begin with the same task',
      phases('{name: a, begins: {task: [Stop]}}', '{name: b, begins: {task: [x, stop]}}'),
      'phases[1].begins overlaps with phases[0].begins: its task[1] would begin both; name what only one of them begins with',
    ],
    [
      'with a phase that another one hides',
      phases('{name: a, begins: {task: ["*stop*"]}}', '{name: b, begins: {task: ["stop nova-*"]}}'),
      'phases[1].begins overlaps with phases[0].begins: its task[0] would begin both; name what only one of them begins with',
    ],
    [
      'with phases that begin with the same tag',
      phases('{name: a, begins: {tag: [t]}}', '{name: b, begins: {tag: [t]}}'),
      'phases[1].begins overlaps with phases[0].begins: its tag[0] would begin both; name what only one of them begins with',
    ],
  ])('%s is refused in one line', (_what, text, expected) => {
    expect(refusal(() => loadText(text)).replace(/^DIR\/plan\.yaml:\d+: /, '')).toBe(expected);
  });

  it('names the line of a mistake', () => {
    expect(refusal(() => loadText('phases:\n  - name: a\n  - name: b\n    budget:\n      downtime: 1\n'))).toMatch(
      /^DIR\/plan\.yaml:5: /,
    );
  });

  it.each([
    ['nova', 'plan must be nova-rolling-upgrade, or the path of a file'],
    ['./none.yaml', 'plan: DIR/none.yaml does not exist; name a file that can be read'],
    ['./', 'plan: DIR/ cannot be read: it is a directory; name a file that can be read'],
  ])('%s is no plan', (given, expected) => {
    expect(refusal(() => load(given))).toBe(expected);
  });
});
