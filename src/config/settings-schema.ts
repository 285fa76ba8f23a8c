import { z } from 'zod';
import { LOG_LEVELS } from '../domain/log.ts';
import { describeProbes, PROBES, type ProbeRegistry, settingsSchemas } from '../probes/registry.ts';
import {
  duration,
  filePath,
  hostName,
  listenAddress,
  microversion,
  oneOf,
  plainName,
  subsetOf,
  text,
  webUrl,
} from '../schema/fields.ts';
import { checksSchema } from './check-settings.ts';
import { grafanaSchema } from './grafana-settings.ts';
import { DEFAULT_PLAN } from './plan-file.ts';
import { upgradeSchema } from './upgrade-settings.ts';
import { webhookSchema } from './webhook-settings.ts';
import type { KeyPath } from './yaml/config-file.ts';

const MAPPING = { error: 'a mapping of settings' };
const CLOUD = 'the name of a cloud in clouds.yaml';

/** `probes` and `checks` are validated after they are merged with those of all clouds: see watched-cloud.ts. */
const cloudEntry = z.strictObject(
  {
    name: text(CLOUD),
    region: text('a region name').optional(),
    compute_microversion: microversion.optional(),
    admin_cloud: text(CLOUD).nullable().optional(),
    probes: z.record(z.string(), z.unknown(), { error: 'a mapping of probes' }).optional(),
    checks: z.record(z.string(), z.unknown(), MAPPING).optional(),
  },
  { error: `${CLOUD}, or a mapping with the key 'name'` },
);

/** Accepts a name as short for an entry with only that name. */
const nameOrEntry = z.preprocess((given) => (typeof given === 'string' ? { name: given } : given), cloudEntry);

const HOSTS = 'a list of host names by which clients reach the daemon';

const MAX_CLOUDS = 1000;
const CLOUDS = `a list of 1 to ${MAX_CLOUDS} clouds from clouds.yaml`;

/** Builds a schema once for each registry, as zod compiles each schema when it is first used. */
function oncePerRegistry<Schema>(build: (registry: ProbeRegistry) => Schema): (registry: ProbeRegistry) => Schema {
  const built = new WeakMap<ProbeRegistry, Schema>();
  return (registry) => {
    const schema = built.get(registry) ?? build(registry);
    built.set(registry, schema);
    return schema;
  };
}

export const probesSchemaOf = oncePerRegistry((registry) =>
  z.strictObject(settingsSchemas(registry), { error: 'a mapping of probes' }).prefault({}),
);

export const settingsSchemaOf = oncePerRegistry((registry) => {
  const names = Object.keys(registry);
  const overall = describeProbes(registry).flatMap(({ name, countsOverall }) => (countsOverall ? [name] : []));
  return z.strictObject(
    {
      vantage: plainName.optional(),
      clouds: z.array(nameOrEntry, { error: CLOUDS }).min(1, CLOUDS).max(MAX_CLOUDS, CLOUDS).optional(),
      listen: listenAddress.prefault('127.0.0.1:9774'),
      allowed_hosts: z.array(hostName, { error: HOSTS }).default([]),
      url: webUrl.nullable().default(null),
      token_file: filePath.nullable().default(null),
      journal: filePath.refine((given) => !given.includes('://'), 'a file path').optional(),
      compute_microversion: microversion.nullable().default(null),
      probes: probesSchemaOf(registry),
      checks: checksSchema,
      overall: z.strictObject({ probes: subsetOf(names).default(overall) }, MAPPING).prefault({}),
      admin_cloud: text(CLOUD).nullable().default(null),
      sampler: z
        .strictObject(
          {
            stall: duration({ min: 50, max: 10_000 }).prefault('250ms'),
            clock_step: duration({ min: 50, max: 60_000 }).prefault('500ms'),
          },
          MAPPING,
        )
        .prefault({}),
      plan: text('the name of a plan, or a file path').prefault(DEFAULT_PLAN),
      upgrade: upgradeSchema.prefault({}),
      grafana: grafanaSchema.prefault({}),
      webhook: webhookSchema.prefault({}),
      log: z.strictObject({ level: oneOf(LOG_LEVELS).default('info') }, MAPPING).prefault({}),
    },
    { error: 'a mapping of settings' },
  );
});

export type FileSettings = z.output<ReturnType<typeof settingsSchemaOf>>;

/** A setting's path, and its default in the schema, as written in YAML. */
export type SettingKey = { readonly path: readonly string[]; readonly default: unknown };

type Properties = { readonly [key: string]: z.core.JSONSchema.BaseSchema };

/** Lists every key of rollwatch.yaml. An entry of `clouds` has the path `clouds`, `[]`. */
export function settingKeys(registry: ProbeRegistry = PROBES): readonly SettingKey[] {
  return [...keysInSchema(settingsSchemaOf(registry), []), ...keysInSchema(cloudEntry, ['clouds', '[]'])];
}

/** Lists the keys that are valid in the mapping at a path. */
export function keysAt(path: KeyPath, registry: ProbeRegistry): readonly string[] {
  const names = path.map((key) => (typeof key === 'number' ? '[]' : String(key)));
  const isOverride = names[0] === 'clouds' && (names[2] === 'probes' || names[2] === 'checks');
  const section = isOverride ? names.slice(2) : names;
  const settings = settingKeys(registry).filter((setting) =>
    section.every((key, index) => setting.path[index] === key),
  );
  return [...new Set(settings.flatMap((setting) => setting.path.slice(section.length, section.length + 1)))];
}

function keysInSchema(schema: z.ZodType, prefix: readonly string[]): readonly SettingKey[] {
  return keysInProperties(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }), prefix);
}

function keysInProperties(schema: z.core.JSONSchema.BaseSchema, prefix: readonly string[]): readonly SettingKey[] {
  const properties: Properties = Object.fromEntries(
    Object.entries(schema.properties ?? {}).flatMap(([key, property]) =>
      typeof property === 'boolean' ? [] : [[key, property]],
    ),
  );
  return Object.entries(properties).flatMap(([key, property]) => {
    const path = [...prefix, key];
    return property.properties === undefined ? [{ path, default: property.default }] : keysInProperties(property, path);
  });
}
