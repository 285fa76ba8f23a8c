const MAX_NAME_CHARACTERS = 500;

/** Control characters, and those that change the text direction. */
const INVISIBLE = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** Returns a name that is safe to display: one line of limited length, without control characters. */
export function plain(text: string): string {
  const line = text
    .replace(/[\t-\r\u2028\u2029]+/g, ' ')
    .replace(INVISIBLE, '')
    .trim();
  return line.slice(0, MAX_NAME_CHARACTERS).toWellFormed();
}

/** Returns the name of a play or playbook; null if it has none. */
export const plainOrNull = (text: string | undefined): string | null => plain(text ?? '') || null;

/** Splits Ansible's `role : name`. Role names have no spaces, but task names may contain ' : '. */
export function splitRole(text: string): { readonly role: string | null; readonly name: string } {
  const [, role, name] = /^(\S+) : (.+)$/s.exec(text) ?? [];
  if (role === undefined || name === undefined) return { role: null, name: plain(text) };
  return { role: plain(role), name: plain(name) };
}
