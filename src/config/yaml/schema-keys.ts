import { z } from 'zod';
import { cloudEntry, settingsSchema } from '../settings-schema.ts';

/** A setting's dotted name, and the default that the schema itself gives it, as it would be written. */
export type SettingKey = { readonly path: readonly string[]; readonly usual: unknown };

type Properties = { readonly [key: string]: z.core.JSONSchema.BaseSchema };

/** Every key of rollwatch.yaml; of the entries of `clouds`, those that only stand there. */
export function settingKeys(): readonly SettingKey[] {
  return [...keysOf(settingsSchema, []), ...keysOf(cloudEntry, ['clouds', '[]'])];
}

/** The keys that may stand in the mapping at this path. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  const names = path.map((key) => (typeof key === 'number' ? '[]' : String(key)));
  const laidOver = names[0] === 'clouds' && (names[2] === 'probes' || names[2] === 'checks');
  const inPart = laidOver ? names.slice(2) : names;
  const here = settingKeys().filter((one) => inPart.every((key, index) => one.path[index] === key));
  return [...new Set(here.flatMap((one) => one.path.slice(inPart.length, inPart.length + 1)))];
}

function keysOf(schema: z.ZodType, prefix: readonly string[]): readonly SettingKey[] {
  return walk(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }), prefix);
}

function walk(schema: z.core.JSONSchema.BaseSchema, prefix: readonly string[]): readonly SettingKey[] {
  const properties: Properties = Object.fromEntries(
    Object.entries(schema.properties ?? {}).flatMap(([key, one]) => (typeof one === 'boolean' ? [] : [[key, one]])),
  );
  return Object.entries(properties).flatMap(([key, one]) => {
    const path = [...prefix, key];
    return one.properties === undefined ? [{ path, usual: one.default }] : walk(one, path);
  });
}
