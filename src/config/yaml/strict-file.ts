import type { z } from 'zod';
import { Refusal } from '../../domain/user-error.ts';
import { explain } from './explain.ts';
import { parseYaml } from './read-yaml.ts';

/** A YAML file of ours as it was found, and how to refuse what stands in it. */
export type StrictFile = {
  /** Null: there is none, and everything is as it usually is. */
  readonly file: string | null;
  /** Where paths in it start from. */
  readonly folder: string;
  readonly raw: unknown;
  /** Checks a part of it that stands under `prefix`; refuses with the line on which the mistake stands. */
  check<T>(schema: z.ZodType<T>, input: unknown, prefix?: readonly PropertyKey[]): T;
  refuse(path: readonly PropertyKey[], problem: string): Refusal;
};

/** `name` is what a file that is not there is called; `known` gives the keys that may stand at a path. */
export function openStrictly({
  file,
  name = '',
  folder,
  text,
  known,
}: {
  readonly file: string | null;
  readonly name?: string;
  readonly folder: string;
  readonly text: string;
  readonly known: (path: readonly PropertyKey[]) => readonly string[];
}): StrictFile {
  const shown = file ?? name;
  const yaml = parseYaml(text, shown);
  const refuse = (path: readonly PropertyKey[], problem: string): Refusal =>
    new Refusal(file === null ? problem : `${shown}:${yaml.lineOf(path)}: ${problem}`);
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
      const { path, problem } = explain(issues, { input: whole, known });
      throw refuse(path, problem);
    },
  };
}

const listWith = (index: number, value: unknown): unknown[] => Array.from({ length: index + 1 }, () => value);
