import { didYouMean } from '../../format/did-you-mean.ts';

// A secret may stand at any key by mistake, and what is printed ends in logs. So an error says where a value stands,
// and quotes it only where it can't be a secret: see `quoted` and `quotedPath`.

const UNITS = 'ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|%';
const QUANTITY = new RegExp(`^[-+]?[\\d.,]{1,8} ?(?:${UNITS})?$`, 'i');
const WORDS = new Set(['', 'true', 'false', 'yes', 'no', 'on', 'off', 'none', 'null', 'auto', 'latest']);

/** A text in quotes if it is a short number, with a unit or without, or nearly one of the words that are `right`. */
export function quoted(text: string, right: readonly string[] = []): string | null {
  const harmless = WORDS.has(text.toLowerCase()) || QUANTITY.test(text) || right.includes(text);
  return harmless || (text.length <= 40 && didYouMean(text, right) !== null) ? `'${text}'` : null;
}

const EXTENSIONS = 'ya?ml|json|pem|crt|cer|cert|key|txt|token|secret|password|sqlite|log|conf|cfg|env|pub';
const PATH = new RegExp(`^(?:~$|~?/|\\.\\.?/|[\\w./-]+\\.(?:${EXTENSIONS})$)`);

/**
 * The path that was made of what was written, if that looks like one: it begins with /, ~/, ./ or ../, or ends as files
 * do. Null: it may be the secret itself, where the name of its file belongs.
 */
export const quotedPath = (written: string, path: string): string | null => (PATH.test(written) ? path : null);

/** A key as it was written, if it may be the name of a setting: letters, hyphens, underscores and dots. */
export const quotedKey = (key: string): string | null => (/^[A-Za-z][A-Za-z_.-]{0,39}$/.test(key) ? key : null);
