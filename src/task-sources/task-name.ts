const LONGEST = 500;

/** Control characters, and those that turn the direction of the text around them. */
const INVISIBLE = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** A name as it may be shown anywhere: one line, nothing that steers a terminal, not endless. */
export function plain(text: string): string {
  const line = text
    .replace(/[\t-\r\u2028\u2029]+/g, ' ')
    .replace(INVISIBLE, '')
    .trim();
  return line.slice(0, LONGEST).toWellFormed();
}

/** A play's or a playbook's name; null where there is none. */
export const plainOrNull = (text: string | undefined): string | null => plain(text ?? '') || null;

/** Ansible writes `role : name`. A role's name has no space; a task's own name may well have ' : '. */
export function splitRole(text: string): { readonly role: string | null; readonly name: string } {
  const [, role, name] = /^(\S+) : (.+)$/s.exec(text) ?? [];
  if (role === undefined || name === undefined) return { role: null, name: plain(text) };
  return { role: plain(role), name: plain(name) };
}
