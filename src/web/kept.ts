/**
 * Reads and writes what a reader's browser keeps. A browser may forbid that, for example for files; the choice then
 * lasts until the page is closed.
 */
export function readKept(name: string): string | null {
  try {
    return localStorage.getItem(`rollwatch-${name}`);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`rollwatch-${name}`, value);
  } catch {
    // See above.
  }
}
