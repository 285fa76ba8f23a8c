import { type Secret, secret } from '../../domain/redaction.ts';
import { readProblem, readText, SECRET_MAX_BYTES } from '../../files/read-text.ts';
import { didYouMean } from '../../format/did-you-mean.ts';

// Users may set any key to a secret by mistake, and error messages end up in logs. So an error names the key, and
// quotes the value only if it cannot be a secret: see `quoted` and `quotedPath`.

const UNITS = 'ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|%';
const QUANTITY = new RegExp(`^[-+]?[\\d.,]{1,8} ?(?:${UNITS})?$`, 'i');
const HARMLESS_WORDS = new Set(['', 'true', 'false', 'yes', 'no', 'on', 'off', 'none', 'null', 'auto', 'latest']);
const MAX_MISSPELLED_LENGTH = 40;

/** Quotes a short number, with or without a unit, or a word close to an `expected` one; returns null for the rest. */
export function quoted(value: string, expected: readonly string[] = []): string | null {
  const harmless = HARMLESS_WORDS.has(value.toLowerCase()) || QUANTITY.test(value) || expected.includes(value);
  const misspelled = value.length <= MAX_MISSPELLED_LENGTH && didYouMean(value, expected) !== null;
  return harmless || misspelled ? `'${value}'` : null;
}

const EXTENSIONS = 'ya?ml|json|pem|crt|cer|cert|key|txt|token|secret|password|sqlite|log|conf|cfg|env|pub';
const PATH = new RegExp(`^(?:~$|~?/|\\.\\.?/|[\\w./-]+\\.(?:${EXTENSIONS})$)`);

/**
 * Returns `path` if the setting it was resolved from looks like a path: it starts with /, ~/, ./ or ../, or ends in a
 * common file extension. Otherwise returns null, as the setting may be the secret itself instead of the name of its
 * file.
 */
export const quotedPath = (setting: string, path: string): string | null => (PATH.test(setting) ? path : null);

/** Returns a key that looks like the name of a setting: letters, hyphens, underscores and dots; else null. */
export const quotedKey = (key: string): string | null => (/^[A-Za-z][A-Za-z_.-]{0,39}$/.test(key) ? key : null);

/** The value of a setting that names a file, and the absolute path. */
export type FileSetting = { readonly setting: string; readonly path: string };

/** Returns "/etc/rollwatch/token does not exist", or "names a file that ..." if the setting may be a secret. */
export function fileProblem({ setting, path }: FileSetting, problem: string): string {
  const shown = quotedPath(setting, path);
  return shown === null ? `names a file that ${problem}` : `${shown} ${problem}`;
}

type ToError = (problem: string) => Error;

/**
 * Reads a file with one line. `content` names what it contains, such as "password".
 *
 * @throws what `toError` makes of a problem
 */
export function readSecretLine(file: FileSetting, content: string, toError: ToError): Secret {
  const error = (problem: string) => toError(fileProblem(file, problem));
  const found = readText(file.path, { maxBytes: SECRET_MAX_BYTES });
  if (found.kind !== 'text') throw error(`${readProblem(found)}; specify a readable file`);
  const line = found.text.replace(/\r?\n$/, '');
  if (line === '') throw error(`is empty; must contain the ${content}`);
  if (line.includes('\n')) throw error(`has several lines; must contain only the ${content}`);
  return secret(line);
}

const MIN_TOKEN_LENGTH = 16;

/** Reads the bearer token of `token_file`. @throws what `toError` makes of a problem. */
export function readToken(file: FileSetting, toError: ToError): Secret {
  const error = (problem: string) => toError(fileProblem(file, problem));
  const found = readText(file.path, { maxBytes: SECRET_MAX_BYTES });
  if (found.kind !== 'text') throw error(`${readProblem(found)}; specify a readable file`);
  const token = found.text.trim();
  if (token === '') throw error(`is empty; must contain a token of at least ${MIN_TOKEN_LENGTH} characters`);
  if (!/^[\x21-\x7e]+$/.test(token))
    throw error('is not a single token; must contain one token of ASCII letters, digits and punctuation');
  if (token.length < MIN_TOKEN_LENGTH)
    throw error(`contains a token that is too short; it must be at least ${MIN_TOKEN_LENGTH} characters`);
  return secret(token);
}
