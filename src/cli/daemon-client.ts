/** How commands find a running daemon and call its HTTP API. */

import axios from 'axios';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ApiStatus, statusSchema } from '../api/status.ts';
import { errorLine, UserError } from '../domain/errors.ts';
import { readProblem, readText } from '../files/read-text.ts';

export type DaemonFlags = { readonly url?: string; readonly tokenFile?: string };

export type DaemonAddress = { readonly url: string; readonly token: string | undefined };

export type DaemonRequest = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
};

export type DaemonResponse = { readonly body: string; readonly header: (name: string) => string | null };

const DEFAULT_URL = 'http://127.0.0.1:9774';
const DEFAULT_TIMEOUT_MS = 30_000;

const problemSchema = z.object({ title: z.string(), detail: z.string().optional() });

/** Adds the options that `resolveDaemon` reads. */
export const addDaemonOptions = (command: Command): Command =>
  command
    .option('--url <url>', `URL of the daemon (default: ROLLWATCH_URL, or ${DEFAULT_URL})`)
    .option(
      '--token-file <file>',
      'file with the bearer token, if the daemon requires one (default: the token in ROLLWATCH_TOKEN)',
    );

/**
 * Returns a daemon's address and token, from the flags or the environment.
 *
 * @throws UserError if the token file cannot be read or does not contain exactly one token
 */
export function resolveDaemon({ url, tokenFile }: DaemonFlags): DaemonAddress {
  const { ROLLWATCH_URL: urlFromEnv = '', ROLLWATCH_TOKEN: tokenFromEnv = '' } = process.env;
  const token = tokenFile === undefined ? tokenFromEnv : readToken(tokenFile);
  return {
    url: url ?? (urlFromEnv === '' ? DEFAULT_URL : urlFromEnv),
    token: token === '' ? undefined : token,
  };
}

function readToken(file: string): string {
  const found = readText(file);
  if (found.kind !== 'text') throw new UserError(`--token-file: ${file} ${readProblem(found)}`);
  const token = found.text.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UserError(`--token-file: ${file} must contain exactly one token`);
  return token;
}

/**
 * Calls a daemon and returns the parsed JSON body.
 *
 * @throws UserError as `callDaemon` does, and if the body does not match `schema`: another program is listening there
 */
export async function callDaemonJson<T>(
  daemon: DaemonAddress,
  request: DaemonRequest,
  schema: z.ZodType<T>,
): Promise<T> {
  const { body } = await callDaemon(daemon, request);
  try {
    return schema.parse(JSON.parse(body));
  } catch {
    throw notADaemonError(daemon.url);
  }
}

/**
 * Reads the current state from a daemon.
 *
 * @throws UserError as `callDaemonJson` does
 */
export const readStatus = (daemon: DaemonAddress, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<ApiStatus> =>
  callDaemonJson(daemon, { method: 'GET', path: '/api/v1/status', timeoutMs }, statusSchema);

/**
 * Calls a daemon.
 *
 * @throws UserError with exit code 2 if the URL is invalid or the status is 3xx or 4xx, with 3 if nothing answers or
 *   the status is 5xx
 */
export async function callDaemon(daemon: DaemonAddress, request: DaemonRequest): Promise<DaemonResponse> {
  const { url, token } = daemon;
  const { method, path, body = {}, timeoutMs = DEFAULT_TIMEOUT_MS } = request;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new UserError(`the daemon's URL is '${url}'; it must look like ${DEFAULT_URL}`);
  const headers = { ...request.headers, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) };
  try {
    const response = await axios.request<string>({
      method,
      url: new URL(path, url).href,
      headers,
      ...(method === 'POST' ? { data: body } : {}),
      responseType: 'text',
      transformResponse: (text: string) => text,
      validateStatus: () => true,
      timeout: timeoutMs,
      proxy: false,
    });
    if (response.status < 300) {
      const header = (name: string) => {
        const value: unknown = response.headers[name];
        return typeof value === 'string' ? value : null;
      };
      return { body: response.data, header };
    }
    throw new UserError(
      `daemon at ${url} answered ${method} ${path} with HTTP ${response.status}: ${problemIn(response.data)}`,
      response.status >= 500 ? 3 : 2,
    );
  } catch (error) {
    if (error instanceof UserError) throw error;
    const reason = error instanceof Error ? errorLine(error.message) : errorLine(error);
    throw new UserError(
      `no daemon at ${url} (${reason}); start one with 'rollwatch watch', or set --url to its address`,
      3,
    );
  }
}

export const notADaemonError = (url: string): UserError =>
  new UserError(`the server at ${url} is not a Rollwatch daemon of this version`, 3);

function problemIn(body: string): string {
  try {
    const { title, detail } = problemSchema.parse(JSON.parse(body));
    return detail ?? title;
  } catch {
    return 'not a Rollwatch daemon';
  }
}
