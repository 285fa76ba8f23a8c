import { z } from 'zod';
import { duration, filePath, integer, port, text } from '../schema/fields.ts';

const MAPPING = { error: 'a mapping of settings' };

const MAX_LOGS = 1000;
const LOGS = `a list of at most ${MAX_LOGS} files`;

export const checksSchema = z
  .strictObject(
    {
      servers: integer(1, 50).default(1),
      ssh: z
        .strictObject(
          {
            user: text("the image's login user").nullable().default(null),
            port: port.default(22),
            key_file: filePath.nullable().default(null),
            floating_network: text('the name or ID of an external network').nullable().default(null),
            timeout: duration({ min: 1000 }).prefault('120s'),
          },
          MAPPING,
        )
        .prefault({}),
      database_urls_file: filePath.nullable().default(null),
      nova_logs: z.array(filePath, { error: LOGS }).max(MAX_LOGS, LOGS).default([]),
      report_interval: duration({ min: 1000 }).prefault('10s'),
    },
    MAPPING,
  )
  .prefault({});

/** The settings of the `check` commands. */
export type ChecksSettings = {
  /** How many survivors `check before` creates. */
  readonly servers: number;
  /** Null if the checks do not log in to servers. */
  readonly ssh: SshSettings | null;
  /** The file with the URLs of Nova's databases. */
  readonly databaseUrlsFile: string | null;
  /** The log files of Nova's services. */
  readonly novaLogs: readonly string[];
  /** Nova's own `report_interval`, in milliseconds. */
  readonly reportInterval: number;
};

export type SshSettings = {
  readonly user: string;
  readonly port: number;
  /** The private key; null to generate one. */
  readonly keyFile: string | null;
  /** The external network for floating IPs; null to use the servers' fixed addresses. */
  readonly floatingNetwork: string | null;
  /** How long an ACTIVE server may take to answer by SSH, in milliseconds. */
  readonly timeout: number;
};

export function toChecksSettings(
  given: z.output<typeof checksSchema>,
  resolvePath: (path: string) => string,
): ChecksSettings {
  const {
    servers,
    ssh,
    database_urls_file: databaseUrlsFile,
    nova_logs: novaLogs,
    report_interval: reportInterval,
  } = given;
  const optionalPath = (file: string | null) => (file === null ? null : resolvePath(file));
  return {
    servers,
    ssh:
      ssh.user === null
        ? null
        : {
            user: ssh.user,
            port: ssh.port,
            keyFile: optionalPath(ssh.key_file),
            floatingNetwork: ssh.floating_network,
            timeout: ssh.timeout,
          },
    databaseUrlsFile: optionalPath(databaseUrlsFile),
    novaLogs: novaLogs.map(resolvePath),
    reportInterval,
  };
}
