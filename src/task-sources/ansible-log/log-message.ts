import { type TaskKind, withoutArguments } from '../../domain/upgrade/task.ts';

/** What a message of Ansible's default output says of plays and tasks. */
export type LogMessage =
  /** `ansible-playbook` begins: said from `-v` on. */
  | { readonly kind: 'begin' }
  | { readonly kind: 'playbook' | 'play'; readonly name: string }
  | { readonly kind: 'task'; readonly name: string; readonly task: TaskKind; readonly dry: boolean }
  /** The first line of a banner whose name has several. */
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'result'; readonly hosts: readonly string[]; readonly failed: boolean }
  /** The failure told last is of no matter. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'recap' }
  | { readonly kind: 'interrupted' };

export function readLogMessage(message: string): LogMessage | null {
  return readResult(message) ?? readBanner(message) ?? readTripleo(message) ?? readRest(message);
}

/** A host that was skipped is none of the task's hosts: nothing was done there. */
/** `counter_enabled` counts the hosts: `ok: 1/3 [a]`. */
const RESULT = /^(ok|changed|skipping|failed|fatal): (?:\d+\/\d+ )?\[([^\]\s]+)/;

function readResult(message: string): LogMessage | null {
  const [, how, host = ''] = RESULT.exec(message) ?? [];
  if (how !== undefined) {
    return { kind: 'result', hosts: how === 'skipping' ? [] : [host], failed: how === 'failed' || how === 'fatal' };
  }
  return message.startsWith('included: ') ? { kind: 'result', hosts: hostsOfInclude(message), failed: false } : null;
}

/** `included: FILE for h1, h2 => (item=...)` */
function hostsOfInclude(message: string): readonly string[] {
  const [told = ''] = message.split(' => (item=');
  const hosts = told.lastIndexOf(' for ');
  return hosts < 0
    ? []
    : told
        .slice(hosts + ' for '.length)
        .trim()
        .split(', ');
}

/** `counter_enabled` counts the tasks: `TASK 1/2 [name]`. */
const BANNER = /^(PLAY|TASK|CLEANUP TASK|RUNNING HANDLER)(?: \d+\/\d+)? \[/;
const STARS = / \*{3,}$/;
/** Written where `check_mode_markers` is set. */
const CHECK_MODE = / \[CHECK MODE\]$/;

function readBanner(message: string): LogMessage | null {
  const [opening, what] = BANNER.exec(message) ?? [];
  if (opening === undefined) return readPlainBanner(message);
  if (!STARS.test(message)) return { kind: 'unfinished' };
  const told = message.slice(opening.length).replace(STARS, '');
  const name = told.replace(CHECK_MODE, '').replace(/\]$/, '');
  if (what === 'PLAY') return { kind: 'play', name };
  return {
    kind: 'task',
    name: withoutArguments(name),
    task: what === 'RUNNING HANDLER' ? 'handler' : 'task',
    dry: CHECK_MODE.test(told),
  };
}

function readPlainBanner(message: string): LogMessage | null {
  if (!STARS.test(message)) return null;
  const told = message.replace(STARS, '').replace(CHECK_MODE, '');
  if (told === 'PLAY') return { kind: 'play', name: '' };
  if (told === 'PLAY RECAP') return { kind: 'recap' };
  return told.startsWith('PLAYBOOK: ') ? { kind: 'playbook', name: told.slice('PLAYBOOK: '.length) } : null;
}

/** `2023-03-27 15:19:20.748105 | fa163e91-... |    CHANGED | Stop nova services | controller-1`, and the same for a TASK. */
const TRIPLEO = /^\d{4}-\d\d-\d\d [\d:.]+ \| \S+ \| +([A-Z][A-Z ]*?) \| (.+)$/s;
const TRIPLEO_RESULTS: ReadonlyMap<string, { readonly done: boolean; readonly failed: boolean }> = new Map([
  ['OK', { done: true, failed: false }],
  ['CHANGED', { done: true, failed: false }],
  ['IGNORED', { done: true, failed: false }],
  ['SKIPPED', { done: false, failed: false }],
  ['FATAL', { done: true, failed: true }],
  ['FAILED', { done: true, failed: true }],
  ['UNREACHABLE', { done: true, failed: true }],
]);

/** The lines of TripleO's own callback. */
function readTripleo(message: string): LogMessage | null {
  const [, what = '', rest = ''] = TRIPLEO.exec(message) ?? [];
  const task = /^(?:CLEANUP )?TASK$/.test(what) ? 'task' : what.endsWith('HANDLER') ? 'handler' : null;
  if (task !== null) return { kind: 'task', name: withoutArguments(rest), task, dry: false };
  const result = TRIPLEO_RESULTS.get(what);
  if (result === undefined) return null;
  // The name may hold a bar itself; what follows the host is `item=...` or `error=...`.
  const host = rest
    .split(' | ')
    .slice(1)
    .findLast((part) => /^[\w.-]+$/.test(part));
  return { kind: 'result', hosts: result.done && host !== undefined ? [host] : [], failed: result.failed };
}

const BEGIN = /^(?:Using .+ as config file$|No config file found; using defaults$|ansible-playbook \[core )/;

function readRest(message: string): LogMessage | null {
  if (message === '...ignoring') return { kind: 'ignored' };
  if (/^ ?\[ERROR\]: User interrupted execution/.test(message)) return { kind: 'interrupted' };
  return BEGIN.test(message) ? { kind: 'begin' } : null;
}
