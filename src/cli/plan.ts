/** `rollwatch plan`: lists plans, checks what a plan recognises in the tasks of an upgrade, and writes one. */

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { loadSettings } from '../config/configuration.ts';
import { DEFAULT_PLAN, loadPlan, PLAN_ARGUMENT, shippedPlans } from '../config/plan-file.ts';
import { planText } from '../config/plan-text.ts';
import { UserError } from '../domain/errors.ts';
import { toIso } from '../domain/time.ts';
import type { Plan } from '../domain/upgrade/plan.ts';
import {
  checkPlan,
  type NearTask,
  type Obstacle,
  type PhaseCheck,
  type PlanCheck,
} from '../domain/upgrade/plan-check.ts';
import { planFromTasks } from '../domain/upgrade/plan-from-tasks.ts';
import type { Task } from '../domain/upgrade/task.ts';
import { SELECTOR_KEYS } from '../domain/upgrade/task-selector.ts';
import { listed } from '../format/lists.ts';
import { printableLine } from '../format/printable.ts';
import { table, wrap } from '../report/text/layout.ts';
import { type TimeFormat, timeFormatIn } from '../report/time-format.ts';
import type { TaskList } from '../task-sources/task-list.ts';
import { print } from '../terminal/output.ts';
import type { CommandContext, CommandFactory } from './command.ts';
import { addTaskOptions, readUpgradeTasks, type TaskFlags } from './upgrade-tasks.ts';

export const planCommand: CommandFactory = (context) =>
  new Command('plan')
    .description('list the plans, check which tasks begin the phases of one, or write one')
    .addHelpText(
      'after',
      `
Examples:
  rollwatch plan list
  rollwatch plan check openstack-ansible --ansible-log ansible.log --zone Europe/Berlin
  rollwatch plan init our-plan.yaml --ansible-log ansible.log`,
    )
    .addCommand(listCommand(context))
    .addCommand(checkCommand(context))
    .addCommand(initCommand(context));

const load = (given: string): Plan => loadPlan(given, PLAN_ARGUMENT, (path) => resolve(path));

const listCommand = ({ output, finish }: CommandContext): Command =>
  new Command('list')
    .description('list the plans that come with Rollwatch')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  rollwatch plan list')
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const plans = shippedPlans().map(load);
      const entries = plans.map(({ name, description, phases }) => ({
        name,
        description,
        isDefault: name === DEFAULT_PLAN,
        phases: phases.map((phase) => ({ name: phase.name, promise: phase.promise })),
      }));
      const lines = table(
        [
          { head: 'plan', cell: ({ name }) => name },
          { head: 'phases', cell: ({ phases }) => phases.map(({ name }) => name).join(', ') },
          {
            head: '',
            cell: ({ description, isDefault }) => `${description}${isDefault ? ' (the default)' : ''}`,
          },
        ],
        entries,
        output,
      );
      await print(output.out, json ? JSON.stringify({ plans: entries }, null, 2) : lines.join('\n'));
      finish(0);
    });

const checkCommand = ({ output, finish }: CommandContext): Command =>
  addTaskOptions(new Command('check'))
    .description('check a plan, and which tasks of an upgrade begin its phases')
    .argument('[plan]', 'a file, or the name of a plan that comes with Rollwatch (default: as configured)')
    .option('--config <file>', 'configuration file (default: ./rollwatch.yaml if it exists)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  rollwatch plan check ./our-plan.yaml
  rollwatch plan check openstack-ansible --ansible-log /openstack/log/ansible-logging/ansible.log
  ansible-playbook upgrade.yml --list-tasks > tasks; rollwatch plan check ./our-plan.yaml --tasks tasks

Exit code 1: no task begins a phase that tasks should begin.`,
    )
    .action(
      async (
        given: string | undefined,
        { config, json = false, ...flags }: TaskFlags & { readonly config?: string; readonly json?: boolean },
      ) => {
        const plan = given === undefined ? loadSettings({ configFile: config }).plan : load(given);
        const list = await readUpgradeTasks(flags, output);
        if (list === null) {
          await print(output.out, json ? JSON.stringify(planJson(plan), null, 2) : planLines(plan, output).join('\n'));
          finish(0);
          return;
        }
        const check = checkPlan(plan, list.tasks);
        const text = json
          ? JSON.stringify(checkJson(plan, check, list), null, 2)
          : checkLines(plan, { check, list, zone: flags.zone, width: output.width }).join('\n');
        await print(output.out, text);
        finish(check.isComplete ? 0 : 1);
      },
    );

const DEFAULT_FILE = 'plan.yaml';

const initCommand = ({ output, finish }: CommandContext): Command =>
  addTaskOptions(new Command('init'))
    .description('write a plan that recognises the phases of an earlier upgrade; overwrites nothing')
    .argument('[file]', 'file to write', DEFAULT_FILE)
    .addHelpText(
      'after',
      `
Example:
  rollwatch plan init our-plan.yaml --ansible-log /openstack/log/ansible-logging/ansible.log --zone Europe/Berlin`,
    )
    .action(async (file: string, flags: TaskFlags) => {
      const list = await readUpgradeTasks(flags, output);
      if (list === null)
        throw new UserError('plan init needs the tasks of an earlier upgrade: add --ansible-log or --tasks');
      const name = (file.split('/').at(-1) ?? file).replace(/\.ya?ml$/, '');
      const others = shippedPlans().filter((shipped) => shipped !== DEFAULT_PLAN);
      const plans = [load(DEFAULT_PLAN), ...others.map(load)] as const;
      const { plan, base, phases } = planFromTasks(list.tasks, { name: planName(name), plans });
      const phaseComments = new Map(phases.map((phase) => [phase.phase.name, phaseComment(phase)]));
      const comment =
        `Written by 'rollwatch plan init' from ${list.tasks.length} tasks of an earlier upgrade, after the plan ${base.name}.\n` +
        'Check the promises and budgets, then set `plan` in rollwatch.yaml to the path of this file.';
      writeNew(file, planText(plan, { comment, phaseComments }));
      const begun = phases.filter(({ task }) => task !== null).length;
      await print(
        output.err,
        `wrote ${file}: ${begun} of ${phases.length} phases begin with a task of that upgrade; ` +
          `check it with 'rollwatch plan check ${file.includes('/') ? file : `./${file}`}'`,
      );
      finish(0);
    });

/** Replaces what a name in a plan must not have. */
const planName = (name: string): string =>
  name
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63) || 'plan';

function phaseComment({ isByHand, task, near }: PhaseCheck): string {
  if (isByHand) return 'Begun by hand.';
  if (task !== null) return `Begun by ${printableLine(taskName(task))}.`;
  const closest = near.map((entry) => `  ${printableLine(nearText(entry))}`);
  return ['No task of that upgrade began this phase.', ...(closest.length > 0 ? ['Closest:', ...closest] : [])].join(
    '\n',
  );
}

function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST') throw new UserError(`${file} exists and is not overwritten; name another file`);
    throw new UserError(`cannot write ${file}: ${error instanceof Error ? error.message : error}`);
  }
}

const taskName = ({ kind, role, name, play }: Task): string =>
  `${kind} '${role === null ? name : `${role} : ${name}`}'${play === null ? '' : ` of play '${play}'`}`;

const MAX_HOSTS = 3;

function hostNames({ hosts }: Task): string {
  if (hosts.length <= MAX_HOSTS) return hosts.length === 0 ? '' : ` on ${listed(hosts, 'and')}`;
  return ` on ${hosts.slice(0, MAX_HOSTS).join(', ')} and ${hosts.length - MAX_HOSTS} more`;
}

const OBSTACLES: Readonly<Record<Obstacle, string>> = {
  task: 'its name differs',
  play: 'its play differs',
  role: 'its role differs',
  playbook: 'its playbook differs',
  host: 'no such host has done it',
  skipped: 'every host skipped it',
  'dry-run': 'it was a dry run',
  order: 'a later phase had begun',
};

const nearText = ({ task, obstacle }: NearTask): string => `${taskName(task)}: ${OBSTACLES[obstacle]}`;

const indented = (text: string, width: number): readonly string[] =>
  wrap(text, width - 4, '  ').map((line) => `    ${line}`);

/** Says what begins and ends each phase. */
function planLines({ name, phases }: Plan, { width }: { readonly width: number }): readonly string[] {
  const rows = phases.map((phase) => ({
    name: phase.name,
    begins: phase.begins.length === 0 ? 'by hand' : selectorsText(phase.begins),
    ends: phase.ends.length === 0 ? 'with the next phase' : selectorsText(phase.ends),
  }));
  const lines = rows.flatMap((row) => [
    `  ${row.name}`,
    ...indented(`begins: ${row.begins}`, width),
    ...indented(`ends: ${row.ends}`, width),
  ]);
  return [`plan ${name}`, ...lines, '', 'To check it against an upgrade, add --ansible-log or --tasks.'];
}

const selectorsText = (selectors: Plan['phases'][number]['begins']): string =>
  selectors
    .map((selector) =>
      SELECTOR_KEYS.flatMap((key) =>
        selector[key].length === 0
          ? []
          : [`${key} ${selector[key].map((pattern) => `'${printableLine(pattern)}'`).join(' or ')}`],
      ).join(', '),
    )
    .join('; or ');

type CheckText = {
  readonly check: PlanCheck;
  readonly list: TaskList;
  readonly zone: string;
  readonly width: number;
};

function checkLines({ name }: Plan, { check, list, zone, width }: CheckText): readonly string[] {
  const [from, until] = [list.tasks.at(0)?.start ?? 0, list.tasks.at(-1)?.start ?? 0];
  const times = timeFormatIn(zone, { from, until });
  const when = list.haveRun ? `, ${times.day(from)} to ${times.day(until)} ${times.zoneName(from)}` : '';
  const never = check.phases.filter(({ isByHand, task }) => !isByHand && task === null).map(({ phase }) => phase.name);
  const hasHandlers = list.haveRun || list.tasks.some(({ kind }) => kind === 'handler');
  return [
    `plan ${name} against ${list.tasks.length} tasks${when}`,
    '',
    ...check.phases.flatMap((phase) => phaseLines(phase, { times, list, width })),
    '',
    never.length === 0
      ? 'Every phase begins.'
      : `${listed(never, 'and')} never ${never.length === 1 ? 'begins' : 'begin'}.`,
    ...(never.length > 0 && !hasHandlers ? ['The list has no handlers: Ansible lists none, but logs them.'] : []),
  ];
}

function phaseLines(
  { phase, isByHand, task, intervals, near }: PhaseCheck,
  { times, list, width }: { readonly times: TimeFormat; readonly list: TaskList; readonly width: number },
): readonly string[] {
  const at = (moment: number): string => (list.haveRun ? times.time(moment) : `task ${moment + 1}`);
  const spans = intervals.map(({ from, until }) => `${at(from)} ${until === null ? 'on' : `to ${at(until)}`}`);
  const head = `  ${printableLine(phase.name)}`;
  if (task !== null) {
    const begins = `begins with ${printableLine(`${taskName(task)}${hostNames(task)}`)}`;
    return [`${head}: ${spans.join(', ')}`, ...indented(begins, width)];
  }
  if (isByHand) return [`${head}: begun by hand`];
  return [
    `${head}: never begins`,
    ...near.flatMap((entry) => indented(`near: ${printableLine(nearText(entry))}`, width)),
  ];
}

const planJson = ({ name, description, phases }: Plan) => ({
  plan: name,
  description,
  phases: phases.map((phase) => ({ name: phase.name, promise: phase.promise, begins: phase.begins, ends: phase.ends })),
});

const checkJson = ({ name }: Plan, check: PlanCheck, { tasks, haveRun }: TaskList) => {
  const taskJson = ({ name: task, role, play, playbook, kind, hosts, start }: Task) => ({
    name: task,
    role,
    play,
    playbook,
    kind,
    hosts,
    start: haveRun ? toIso(start) : null,
  });
  return {
    plan: name,
    tasks: tasks.length,
    complete: check.isComplete,
    phases: check.phases.map(({ phase, isByHand, task, intervals, near }) => ({
      name: phase.name,
      byHand: isByHand,
      task: task && taskJson(task),
      intervals: haveRun
        ? intervals.map(({ from, until }) => ({ from: toIso(from), until: until === null ? null : toIso(until) }))
        : [],
      near: near.map((entry) => ({ ...taskJson(entry.task), obstacle: entry.obstacle })),
    })),
  };
};
