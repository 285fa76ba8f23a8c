import { type TaskKind, withoutArguments } from '../../domain/upgrade/task.ts';

/** A message about plays or tasks in Ansible's output. */
export type LogMessage =
  /** The start of `ansible-playbook`; printed with `-v`. */
  | { readonly kind: 'start' }
  | { readonly kind: 'playbook' | 'play'; readonly name: string }
  | { readonly kind: 'task'; readonly name: string; readonly taskKind: TaskKind; readonly isDryRun: boolean }
  /** The first line of a banner with a name of several lines. */
  | { readonly kind: 'unfinished' }
  /** `hosts` is empty if the host skipped the task. */
  | { readonly kind: 'result'; readonly hosts: readonly string[]; readonly failed: boolean }
  /** The latest failure is ignored. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'recap' }
  | { readonly kind: 'interrupted' };

/** Reads a message; returns null if it is about anything else. */
export function readLogMessage(message: string): LogMessage | null {
  return readResult(message) ?? readBanner(message) ?? readTripleo(message) ?? readOther(message);
}

/** `counter_enabled` counts the hosts: `ok: 1/3 [a]`. */
const RESULT = /^(ok|changed|skipping|failed|fatal): (?:\d+\/\d+ )?\[([^\]\s]+)/;

function readResult(message: string): LogMessage | null {
  const [, result, host = ''] = RESULT.exec(message) ?? [];
  if (result !== undefined) {
    const failed = result === 'failed' || result === 'fatal';
    return { kind: 'result', hosts: result === 'skipping' ? [] : [host], failed };
  }
  return message.startsWith('included: ') ? { kind: 'result', hosts: hostsOfInclude(message), failed: false } : null;
}

/** Reads the hosts of `included: FILE for h1, h2 => (item=...)`. */
function hostsOfInclude(message: string): readonly string[] {
  const [files = ''] = message.split(' => (item=');
  const separator = files.lastIndexOf(' for ');
  return separator < 0
    ? []
    : files
        .slice(separator + ' for '.length)
        .trim()
        .split(', ');
}

/** `counter_enabled` counts the tasks: `TASK 1/2 [name]`. */
const BANNER = /^(PLAY|TASK|CLEANUP TASK|RUNNING HANDLER)(?: \d+\/\d+)? \[/;
const STARS = / \*{3,}$/;
/** Ansible prints this if `check_mode_markers` is set. */
const CHECK_MODE = / \[CHECK MODE\]$/;

function readBanner(message: string): LogMessage | null {
  const [opening, type] = BANNER.exec(message) ?? [];
  if (opening === undefined) return readPlainBanner(message);
  if (!STARS.test(message)) return { kind: 'unfinished' };
  const title = message.slice(opening.length).replace(STARS, '');
  const name = title.replace(CHECK_MODE, '').replace(/\]$/, '');
  if (type === 'PLAY') return { kind: 'play', name };
  return {
    kind: 'task',
    name: withoutArguments(name),
    taskKind: type === 'RUNNING HANDLER' ? 'handler' : 'task',
    isDryRun: CHECK_MODE.test(title),
  };
}

/** Reads a banner without brackets. */
function readPlainBanner(message: string): LogMessage | null {
  if (!STARS.test(message)) return null;
  const title = message.replace(STARS, '').replace(CHECK_MODE, '');
  if (title === 'PLAY') return { kind: 'play', name: '' };
  if (title === 'PLAY RECAP') return { kind: 'recap' };
  return title.startsWith('PLAYBOOK: ') ? { kind: 'playbook', name: title.slice('PLAYBOOK: '.length) } : null;
}

/** `2023-03-27 15:19:20.748105 | fa163e91-... |    CHANGED | Stop nova services | controller-1`; a TASK has no host. */
const TRIPLEO = /^\d{4}-\d\d-\d\d [\d:.]+ \| \S+ \| +([A-Z][A-Z ]*?) \| (.+)$/s;
const TRIPLEO_RESULTS: ReadonlyMap<string, { readonly skipped: boolean; readonly failed: boolean }> = new Map([
  ['OK', { skipped: false, failed: false }],
  ['CHANGED', { skipped: false, failed: false }],
  ['IGNORED', { skipped: false, failed: false }],
  ['SKIPPED', { skipped: true, failed: false }],
  ['FATAL', { skipped: false, failed: true }],
  ['FAILED', { skipped: false, failed: true }],
  ['UNREACHABLE', { skipped: false, failed: true }],
]);

/** Reads a line of TripleO's callback. */
function readTripleo(message: string): LogMessage | null {
  const [, type = '', rest = ''] = TRIPLEO.exec(message) ?? [];
  const taskKind = /^(?:CLEANUP )?TASK$/.test(type) ? 'task' : type.endsWith('HANDLER') ? 'handler' : null;
  if (taskKind !== null) return { kind: 'task', name: withoutArguments(rest), taskKind, isDryRun: false };
  const result = TRIPLEO_RESULTS.get(type);
  if (result === undefined) return null;
  // The task name may contain ' | '. `item=...` or `error=...` may follow the host.
  const host = rest
    .split(' | ')
    .slice(1)
    .findLast((part) => /^[\w.-]+$/.test(part));
  return { kind: 'result', hosts: result.skipped || host === undefined ? [] : [host], failed: result.failed };
}

const START = /^(?:Using .+ as config file$|No config file found; using defaults$|ansible-playbook \[core )/;

function readOther(message: string): LogMessage | null {
  if (message === '...ignoring') return { kind: 'ignored' };
  if (/^ ?\[ERROR\]: User interrupted execution/.test(message)) return { kind: 'interrupted' };
  return START.test(message) ? { kind: 'start' } : null;
}
