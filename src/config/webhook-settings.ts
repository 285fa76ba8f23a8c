import { z } from 'zod';
import { type Secret, secret } from '../domain/redaction.ts';
import { duration, filePath, webUrl } from '../schema/fields.ts';
import type { ConfigFile } from './yaml/config-file.ts';
import { readSecretLine } from './yaml/secrets.ts';

const MAPPING = { error: 'a mapping of settings' };

export const webhookSchema = z.strictObject(
  {
    url_file: filePath.nullable().default(null),
    after: duration({ min: 0, max: 3_600_000 }).prefault('5s'),
  },
  MAPPING,
);

/** Where to report incidents to. */
export type WebhookSettings = {
  /** A secret: whoever knows the URL of a webhook can post to it. */
  readonly url: Secret;
  readonly after: number;
};

/** Returns null if `url_file` is not set. @throws UserError if the file cannot be read or has no URL. */
export function toWebhookSettings(
  { url_file: urlFile, after }: z.output<typeof webhookSchema>,
  { file, resolvePath }: { readonly file: ConfigFile; readonly resolvePath: (path: string) => string },
): WebhookSettings | null {
  if (urlFile === null) return null;
  const errorAt = (problem: string) => file.errorAt(['webhook', 'url_file'], `webhook.url_file ${problem}`);
  const line = readSecretLine({ setting: urlFile, path: resolvePath(urlFile) }, 'URL of the webhook', errorAt);
  const url = webUrl.safeParse(line.reveal());
  if (!url.success) throw errorAt('names a file without a URL; it must contain one line with https:// or http://');
  return { url: secret(url.data), after };
}
