import { z } from 'zod';
import { PROBES } from '../domain/sample.ts';
import { checksSchema } from './check-settings.ts';
import { grafanaSchema } from './grafana-settings.ts';
import { DEFAULT_PLAN } from './plan-file.ts';
import { probesSchema } from './probe-settings.ts';
import { upgradeSchema } from './upgrade-settings.ts';
import { duration } from './yaml/duration.ts';
import { hostName, listenAddress, microversion, oneOf, plainName, someOf, text, webUrl } from './yaml/fields.ts';

const MAPPING = { error: 'a mapping of settings' };
const CLOUD = 'the name of a cloud in clouds.yaml';

const diagnosis = z.strictObject({ cloud: text(CLOUD).nullable().default(null) }, MAPPING);

/** `probes` and `checks` are laid over the settings of all clouds, and checked then: see watched-cloud.ts. */
export const cloudEntry = z.strictObject(
  {
    name: text(CLOUD),
    region: text('the name of a region').optional(),
    compute_microversion: microversion.optional(),
    diagnosis: diagnosis.optional(),
    probes: z.record(z.string(), z.unknown(), { error: 'a mapping of probes' }).optional(),
    checks: z.record(z.string(), z.unknown(), MAPPING).optional(),
  },
  { error: `${CLOUD}, or a mapping with its name` },
);

/** A name alone stands for an entry with that name. */
const nameOrEntry = z.preprocess((given) => (typeof given === 'string' ? { name: given } : given), cloudEntry);

const HOSTS = 'a list of the names by which others reach the daemon';

const CLOUDS = 'a list of clouds of clouds.yaml, at most 1000 of them';

export const settingsSchema = z.strictObject(
  {
    vantage: plainName.optional(),
    clouds: z.array(nameOrEntry, { error: CLOUDS }).min(1, CLOUDS).max(1000, CLOUDS).optional(),
    listen: listenAddress.prefault('127.0.0.1:9774'),
    allowed_hosts: z.array(hostName, { error: HOSTS }).default([]),
    url: webUrl.nullable().default(null),
    token_file: text('the path of a file').nullable().default(null),
    journal: text('the path of a file')
      .refine((given) => !given.includes('://'), 'the path of a file')
      .optional(),
    compute_microversion: microversion.nullable().default(null),
    probes: probesSchema,
    checks: checksSchema,
    overall: z.strictObject({ probes: someOf(PROBES).default(['server-list', 'server-boot']) }, MAPPING).prefault({}),
    diagnosis: diagnosis.prefault({}),
    sampler: z
      .strictObject(
        {
          stall: duration({ min: 50, max: 10_000 }).prefault('250ms'),
          clock_step: duration({ min: 50, max: 60_000 }).prefault('500ms'),
        },
        MAPPING,
      )
      .prefault({}),
    plan: text('the name of a plan, or the path of its file').prefault(DEFAULT_PLAN),
    upgrade: upgradeSchema.prefault({}),
    grafana: grafanaSchema.prefault({}),
    log: z.strictObject({ level: oneOf(['debug', 'info', 'warn', 'error']).default('info') }, MAPPING).prefault({}),
  },
  { error: 'a mapping of settings' },
);

export type FileSettings = z.output<typeof settingsSchema>;
