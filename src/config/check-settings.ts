import { z } from 'zod';
import { duration } from './yaml/duration.ts';
import { count, text } from './yaml/fields.ts';

const MAPPING = { error: 'a mapping of settings' };

const LOGS = 'a list of files, at most 1000 of them';

const PORT = 65_535;

export const checksSchema = z
  .strictObject(
    {
      keep: count(1, 50).default(1),
      ssh: z
        .strictObject(
          {
            user: text('the name of the user that the image lets in by SSH').nullable().default(null),
            port: count(1, PORT).default(22),
            key_file: text('the path of a file').nullable().default(null),
            floating_network: text('the name or id of an external network').nullable().default(null),
            within: duration({ min: 1000 }).prefault('120s'),
          },
          MAPPING,
        )
        .prefault({}),
      database_file: text('the path of a file').nullable().default(null),
      nova_logs: z.array(text('the path of a file'), { error: LOGS }).max(1000, LOGS).default([]),
      report_interval: duration({ min: 1000 }).prefault('10s'),
    },
    MAPPING,
  )
  .prefault({});

/** How `check` looks into a cloud. */
export type ChecksSettings = {
  /** How many servers are to live through the upgrade. */
  readonly keep: number;
  /** Null: nobody logs in. */
  readonly ssh: SshSettings | null;
  /** Holds the addresses of Nova's databases. */
  readonly databaseFile: string | null;
  /** Logs of Nova's services. */
  readonly novaLogs: readonly string[];
  /** How often Nova's services report (its own `report_interval`), in milliseconds. */
  readonly reportInterval: number;
};

export type SshSettings = {
  readonly user: string;
  readonly port: number;
  /** Of the private key; null: one is made. */
  readonly keyFile: string | null;
  /** Where servers get an address from by which they can be reached; null: they are reached by their own. */
  readonly floatingNetwork: string | null;
  /** How long a server may take until it answers, in milliseconds. */
  readonly within: number;
};

export function checksOf(given: z.output<typeof checksSchema>, inFolder: (path: string) => string): ChecksSettings {
  const { keep, ssh, database_file: databaseFile, nova_logs: novaLogs, report_interval: reportInterval } = given;
  const path = (file: string | null) => (file === null ? null : inFolder(file));
  return {
    keep,
    ssh:
      ssh.user === null
        ? null
        : {
            user: ssh.user,
            port: ssh.port,
            keyFile: path(ssh.key_file),
            floatingNetwork: ssh.floating_network,
            within: ssh.within,
          },
    databaseFile: path(databaseFile),
    novaLogs: novaLogs.map(inFolder),
    reportInterval,
  };
}
