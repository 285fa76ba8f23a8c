import { readFileSync } from 'node:fs';

/** A file's text, or why there is none, in words that go into a refusal. */
export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly reason: string };

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
};

export function readText(file: string): FileText {
  try {
    return { kind: 'text', text: readFileSync(file, 'utf8').replace(/^\uFEFF/, '') };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent' };
    return { kind: 'unreadable', reason: REASONS[code] ?? code };
  }
}

/** "cannot be read: permission denied" or "does not exist", for a file that must be there. */
export const problemOf = (found: Exclude<FileText, { kind: 'text' }>): string =>
  found.kind === 'absent' ? 'does not exist' : `cannot be read: ${found.reason}`;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'it cannot be opened';
