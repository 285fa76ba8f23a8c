import { dirname } from 'node:path';
import type { z } from 'zod';
import { Refusal } from '../domain/refusal.ts';
import { explain } from './explain.ts';
import { expandPath, type Host, variable } from './host.ts';
import { problemOf, readText } from './read-file.ts';
import { parseYaml } from './read-yaml.ts';
import { keysAt } from './schema-keys.ts';

/** rollwatch.yaml as it was found, and how to refuse what stands in it. */
export type SettingsFile = {
  /** Null: there is none, and everything is as it usually is. */
  readonly file: string | null;
  /** Where paths in it start from. */
  readonly folder: string;
  readonly raw: unknown;
  /** Checks a part of it that stands under `prefix`; refuses with the line on which the mistake stands. */
  check<T>(schema: z.ZodType<T>, input: unknown, prefix?: readonly PropertyKey[]): T;
  refuse(path: readonly PropertyKey[], problem: string): Refusal;
};

export function readSettingsFile(host: Host, configFile: string | undefined): SettingsFile {
  const named = configFile ?? variable(host, 'ROLLWATCH_CONFIG');
  const file = expandPath(named ?? 'rollwatch.yaml', { home: host.home, base: host.cwd });
  const found = readText(file);
  if (found.kind === 'absent' && named === null) return open({ file: null, folder: host.cwd, text: '' });
  if (found.kind !== 'text') {
    const whence = configFile !== undefined ? '--config' : named === null ? 'configuration' : 'ROLLWATCH_CONFIG';
    throw new Refusal(`${whence}: ${file} ${problemOf(found)}; name a file that can be read`);
  }
  return open({ file, folder: dirname(file), text: found.text });
}

function open({ file, folder, text }: { file: string | null; folder: string; text: string }): SettingsFile {
  const name = file ?? 'rollwatch.yaml';
  const yaml = parseYaml(text, name);
  const refuse = (path: readonly PropertyKey[], problem: string): Refusal =>
    new Refusal(file === null ? problem : `${name}:${yaml.lineOf(path)}: ${problem}`);
  return {
    file,
    folder,
    raw: yaml.value ?? {},
    refuse,
    check(schema, input, prefix = []) {
      const parsed = schema.safeParse(input);
      if (parsed.success) return parsed.data;
      const issues = parsed.error.issues.map((issue) => ({ ...issue, path: [...prefix, ...issue.path] }));
      const whole = prefix.reduceRight<unknown>(
        (inner, key) => (typeof key === 'number' ? listWith(key, inner) : { [key]: inner }),
        input,
      );
      const { path, problem } = explain(issues, { input: whole, known: keysAt });
      throw refuse(path, problem);
    },
  };
}

const listWith = (index: number, value: unknown): unknown[] => Array.from({ length: index + 1 }, () => value);
