/** What `rollwatch doctor` checks on this host: journal, address, running daemon, and whether tasks are reported. */

import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ApiStatus } from '../api/status.ts';
import type { ApiTask } from '../api/task.ts';
import type { Configuration } from '../config/configuration.ts';
import { UserError } from '../domain/errors.ts';
import { notChecked, notReady, questionable, type Readiness, ready } from '../domain/readiness.ts';
import type { Millis } from '../domain/time.ts';
import { checkPlan as findPhaseTasks } from '../domain/upgrade/plan-check.ts';
import type { Task } from '../domain/upgrade/task.ts';
import { listed } from '../format/lists.ts';
import { counted, span } from '../format/quantities.ts';
import { readJournal } from '../journal/open-journal.ts';
import { inspectPath, inspectWritable } from '../journal/sqlite/inspect.ts';
import { lockHolder } from '../journal/sqlite/lock.ts';
import { listenProblem, urlOf } from '../server/listen.ts';
import { VERSION } from '../version.ts';

const DAY_MS: Millis = 24 * 3_600_000;
const GIB = 1024 ** 3;
/** Below this, a busy host may fill the disk in one night. */
const MIN_ROOM_BYTES = GIB;
/** Not even the samples of one night are certain to fit. */
const TOO_LITTLE_ROOM_BYTES = GIB / 16;

/** Checks that the journal can be written, without opening it for writing. */
export async function checkJournal(file: string, now: Millis): Promise<Readiness> {
  const name = 'journal';
  try {
    const stats = inspectPath(file);
    inspectWritable(file, stats !== null);
    if (stats === null) return ready(name, `${file} can be created`);
    const holder = await lockHolder(`${stats.dev}:${stats.ino}`);
    const journal = await readJournal(file);
    const sessions = await journal.sessions();
    await journal.close();
    const last = sessions.at(-1);
    if (last === undefined) return ready(name, `${file} can be written, and is empty`);
    const found = `${file} has ${counted(sessions.length, 'session')}`;
    if (holder !== null) return ready(name, `${found}; process ${holder} is recording to it`);
    const idle = now - last.aliveAt;
    const detail = `${found}, the last until ${span(idle / 1000)} ago; 'watch' continues that run`;
    if (idle < DAY_MS) return ready(name, detail);
    return questionable(
      name,
      detail,
      'name a new file with --journal, or move this one away, to judge this upgrade alone',
    );
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return notReady(name, error.message, { advice: 'name another file with --journal', exitCode: error.exitCode });
  }
}

/** Checks the room on the disk of the journal. */
export async function checkDisk(file: string): Promise<Readiness> {
  const name = 'disk';
  const folder = dirname(file);
  if (!existsSync(folder)) return notChecked(name, `directory ${folder} does not exist`);
  const { bavail, bsize } = await statfs(folder);
  const room = bavail * bsize;
  const detail = `${(room / GIB).toFixed(1)} GiB are free in ${folder}`;
  const advice = 'make room, or put the journal on another disk with --journal';
  if (room < TOO_LITTLE_ROOM_BYTES) return notReady(name, detail, { advice });
  return room < MIN_ROOM_BYTES ? questionable(name, detail, advice) : ready(name, detail);
}

/** Says which phases the plan has, and which no task begins. */
export function checkPlan({ plan }: Pick<Configuration, 'plan'>): Readiness {
  const name = 'plan';
  const names = plan.phases.map((phase) => phase.name);
  const byHand = plan.phases.filter(({ begins }) => begins.length === 0);
  const detail = `${plan.name} has ${counted(names.length, 'phase')}: ${names.join(', ')}`;
  if (byHand.length === 0) return ready(name, detail);
  const manual = listed(
    byHand.map((phase) => phase.name),
    'and',
  );
  return questionable(name, `${detail}; no task begins ${manual}`, "begin them by hand: 'rollwatch phase NAME'");
}

/** Checks that tasks of an earlier upgrade begin every phase that tasks should begin. `tasks` is null without any. */
export function checkPlanTasks({ plan }: Pick<Configuration, 'plan'>, tasks: readonly Task[] | null): Readiness {
  const name = 'plan tasks';
  if (tasks === null) return notChecked(name, 'no tasks of an earlier upgrade; add --ansible-log or --tasks');
  const never = findPhaseTasks(plan, tasks).phases.filter(({ isByHand, task }) => !isByHand && task === null);
  if (never.length === 0)
    return ready(name, `${counted(tasks.length, 'task')} of an earlier upgrade begin every phase`);
  const names = listed(
    never.map(({ phase }) => phase.name),
    'and',
  );
  return notReady(name, `none of ${counted(tasks.length, 'task')} of an earlier upgrade begins ${names}`, {
    advice: "see 'rollwatch plan check' with the same tasks: it shows which come closest",
  });
}

/** Returns the URL at which a daemon with this configuration would be reached; null if its port is not known yet. */
export const daemonUrlOf = ({ listen: { host, port } }: Pick<Configuration, 'listen'>): string | null =>
  port === 0 ? null : urlOf(host.replace(/^\[(.*)\]$/, '$1'), port);

/** Checks the address to listen on. `daemon`: the status of the daemon that answers there, or null. */
export async function checkAddress({ listen }: Configuration, daemon: ApiStatus | null): Promise<Readiness> {
  const name = 'address';
  const where = `${listen.host}:${listen.port}`;
  if (daemon !== null) return ready(name, `a Rollwatch daemon serves ${where}`);
  const problem = await listenProblem(listen).catch((error: unknown) => {
    if (error instanceof UserError) return error;
    throw error;
  });
  if (problem === null) return ready(name, listen.port === 0 ? `${where} selects a free port` : `${where} is free`);
  const advice = 'stop what listens there, or name another address with --listen';
  return notReady(name, problem.message, { advice, exitCode: problem.exitCode });
}

/** Checks that the daemon that runs, if any, is of this version and watches the clouds of this configuration. */
export function checkDaemon(daemon: ApiStatus | null, url: string, { clouds }: Configuration): Readiness {
  const name = 'daemon';
  if (daemon === null)
    return questionable(name, `none is running at ${url}`, "start 'rollwatch watch' well before the upgrade");
  const watched = [...new Set(daemon.series.map(({ cloud }) => cloud))];
  const wanted = clouds.map(({ access }) => access.name);
  const missing = wanted.filter((cloud) => !watched.includes(cloud));
  const found = `version ${daemon.version} at ${url} watches ${watched.join(', ')}`;
  if (missing.length > 0)
    return questionable(name, `${found}, not ${missing.join(', ')}`, 'restart it with this configuration');
  if (daemon.version !== VERSION)
    return questionable(name, `${found}; this is version ${VERSION}`, 'restart it with this version');
  if (daemon.journal.state === 'stopped')
    return notReady(name, `${found}, but does not record: ${daemon.journal.reason}`, {
      advice: 'see RollwatchJournalStopped in docs/runbook.md',
    });
  if (daemon.paused) return questionable(name, `${found}, but is paused`, "run 'rollwatch resume'");
  return ready(name, found);
}

/** A source that reported nothing for this long may have been switched off since. */
const MAX_TASK_AGE_MS = DAY_MS;
const NO_TASKS_ADVICE =
  'run any playbook where the upgrade will run, with the callback plugin enabled (docs/ansible.md), and check again';

/**
 * Checks whether the deployment tool has reported tasks to the daemon, and when. Tasks from the shell do not prove that
 * Ansible is heard. `tasks`: null if no daemon is running.
 */
export function checkTasks(tasks: readonly ApiTask[] | null, now: Millis): Readiness {
  const name = 'tasks';
  if (tasks === null) return notChecked(name, 'no daemon is running that tasks could be reported to');
  if (tasks.length === 0) return questionable(name, 'no task was ever reported to the daemon', NO_TASKS_ADVICE);
  const fromTool = tasks.filter(({ sources }) => sources.some((source) => source !== 'shell'));
  const last = fromTool
    .map((task) => ({ task, at: Date.parse(task.end ?? task.start) }))
    .toSorted((a, b) => a.at - b.at)
    .at(-1);
  if (last === undefined)
    return questionable(
      name,
      `only 'rollwatch task' has reported tasks (${tasks.length}), neither Ansible nor another source`,
      NO_TASKS_ADVICE,
    );
  const { task, at } = last;
  const ago = span(Math.max(0, now - at) / 1000);
  const detail = `the last of ${counted(fromTool.length, 'task')} was '${task.name}' (${task.sources.join(', ')}), ${ago} ago`;
  return now - at > MAX_TASK_AGE_MS ? questionable(name, detail, NO_TASKS_ADVICE) : ready(name, detail);
}

/** Checks that Ansible's log is where the configuration says. */
export function checkAnsibleLog({ upgrade: { ansibleLog } }: Configuration): Readiness {
  const name = 'ansible log';
  if (ansibleLog === null) return notChecked(name, 'upgrade.ansible_log is not set');
  if (existsSync(ansibleLog)) return ready(name, `${ansibleLog} exists`);
  return questionable(
    name,
    `${ansibleLog} does not exist yet; the daemon waits for it`,
    'make sure that log_path in ansible.cfg is this file',
  );
}
