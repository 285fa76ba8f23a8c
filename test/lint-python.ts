/** Lints the Python of this repository (the callback plugin, the rigs) with Ruff. Part of `.ci/run`. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PositionEncoding, Workspace } from '@astral-sh/ruff-wasm-nodejs';

type Diagnostic = {
  readonly code: string | null;
  readonly message: string;
  readonly start_location: { readonly row: number; readonly column: number };
};

const root = join(import.meta.dirname, '..');
const workspace = new Workspace(
  // E402: Ansible wants a plugin's documentation before its imports.
  { 'target-version': 'py39', 'line-length': 120, lint: { select: ['E', 'F', 'W', 'B'], ignore: ['E402'] } },
  PositionEncoding.Utf16,
);
const problems = globSync('{ansible,test}/**/*.py', { cwd: root }).flatMap((file) =>
  workspace
    .check(readFileSync(join(root, file), 'utf8'))
    .map(({ code, message, start_location: at }: Diagnostic) => `${file}:${at.row}:${at.column}: ${code} ${message}`),
);
for (const problem of problems) console.log(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
