import type { Task } from './task.ts';

/**
 * Selects tasks. A task must have one of the names or one of the tags (any name if there are neither), and be in one of
 * the plays, roles and playbooks, for each of these that is given. All but tags are patterns; see `matches`.
 */
export type TaskSelector = {
  /** Names alone or with their role, as Ansible prints them: `os_nova : Stop services`. */
  readonly task: readonly string[];
  readonly tag: readonly string[];
  readonly play: readonly string[];
  readonly role: readonly string[];
  readonly playbook: readonly string[];
  /** Hosts or groups of the inventory: at least one of them has done the task. */
  readonly host: readonly string[];
};

/** Where a task runs. */
export const SELECTOR_PLACES = ['play', 'role', 'playbook', 'host'] as const;
export const SELECTOR_KEYS = ['task', 'tag', ...SELECTOR_PLACES] as const;

/** What a selector depends on. */
export type SelectedTask = Pick<Task, 'name' | 'role' | 'play' | 'playbook' | 'tags' | 'hosts' | 'groups'>;

/**
 * Whether a text matches a pattern: `*` matches any characters, case is ignored. Not a regular expression, so that
 * plans stay readable for authors of playbooks and no pattern takes exponential time.
 */
export const matches = (pattern: string, text: string): boolean => matcher(pattern)(normalised(text));

const normalised = (text: string): string => text.trim().toLowerCase();

/** Expects a normalised text. */
function matcher(pattern: string): (text: string) => boolean {
  const [first = '', ...rest] = normalised(pattern).split('*');
  const last = rest.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    if (!text.startsWith(first)) return false;
    let at = first.length;
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return text.length - last.length >= at && text.endsWith(last);
  };
}

/** Returns a function that tells whether any of the selectors selects a task. */
export function selectsTask(selectors: readonly TaskSelector[]): (task: SelectedTask) => boolean {
  const compiled = selectors.map(compile);
  return (task) => compiled.some((selects) => selects(task));
}

function compile({ task: names, tag, play, role, playbook, host }: TaskSelector): (task: SelectedTask) => boolean {
  const isName = anyOf(names);
  const [isPlay, isRole, isPlaybook, isHost] = [anyOf(play), anyOf(role), anyOf(playbook), anyOf(host)];
  const isNamed = (task: SelectedTask): boolean => {
    if (names.length === 0 && tag.length === 0) return true;
    if (tag.some((wanted) => task.tags.includes(wanted))) return true;
    return isName(task.name) || (task.role !== null && isName(`${task.role} : ${task.name}`));
  };
  /** Whether a key is not given, or any of the values matches. */
  const allows = (
    patterns: readonly string[],
    isMatch: (text: string) => boolean,
    ...values: readonly (string | null)[]
  ): boolean => patterns.length === 0 || values.some((value) => value !== null && isMatch(value));
  return (task) =>
    isNamed(task) &&
    allows(play, isPlay, task.play) &&
    allows(role, isRole, task.role) &&
    allows(playbook, isPlaybook, task.playbook) &&
    allows(host, isHost, ...task.hosts, ...task.groups);
}

function anyOf(patterns: readonly string[]): (text: string) => boolean {
  const matchers = patterns.map(matcher);
  return (text) => {
    const plain = normalised(text);
    return matchers.some((isMatch) => isMatch(plain));
  };
}

/**
 * Returns the entry of `b` that also selects what `a` selects, such as `task[1]`; null if no such entry can be named.
 * Plays, roles, playbooks and hosts tell two selectors apart if both give some and none in common.
 */
export function commonEntry(a: TaskSelector, b: TaskSelector): string | null {
  const areApart = SELECTOR_PLACES.some(
    (key) => a[key].length > 0 && b[key].length > 0 && commonPattern(a[key], b[key]) === null,
  );
  if (areApart) return null;
  const tag = b.tag.findIndex((name) => a.tag.includes(name));
  if (tag >= 0) return `tag[${tag}]`;
  const name = commonPattern(a.task, b.task);
  if (name !== null) return `task[${name}]`;
  return selectsAllOf(a, b) || selectsAllOf(b, a) ? firstEntry(b) : null;
}

/** Whether `a` gives no names and no tags, and `b` is in the same places, which are not apart. */
const selectsAllOf = (a: TaskSelector, b: TaskSelector): boolean =>
  a.task.length === 0 && a.tag.length === 0 && SELECTOR_PLACES.every((key) => a[key].length === 0 || b[key].length > 0);

/** Returns the index of the first pattern of `b` that shares a text with one of `a`; null if there is none. */
function commonPattern(a: readonly string[], b: readonly string[]): number | null {
  // A pattern that matches another pattern as plain text matches everything that the other one does.
  const found = b.findIndex((other) => a.some((pattern) => matches(pattern, other) || matches(other, pattern)));
  return found < 0 ? null : found;
}

const firstEntry = (selector: TaskSelector): string =>
  `${SELECTOR_KEYS.find((key) => selector[key].length > 0) ?? 'task'}[0]`;
