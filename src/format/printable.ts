/**
 * Text from a cloud, a playbook or a configuration may contain any character. These functions escape the invisible
 * ones, so that they do not affect a terminal, a browser or an editor: control characters (C0 and C1), those that
 * change the direction of writing, and others without a glyph (Unicode's Default_Ignorable_Code_Point). Each is written
 * in JSON's notation, such as `\u001b`, so JSON keeps its meaning and loses nothing.
 *
 * Variation selectors 15 and 16 stay: they only choose between an emoji and its plain sign.
 */
const HIDDEN = /[^\P{Cc}\n\t\r]|\r(?!\n)|[\p{Cf}\p{Zl}\p{Zp}]|(?!\ufe0e|\ufe0f)\p{Default_Ignorable_Code_Point}/gu;

/** All line breaks of Unicode, and tabs. */
const BREAKS = /[\t-\r\u0085\u2028\u2029]+/g;

const shown = (hidden: string, backslash: string): string =>
  Array.from(
    { length: hidden.length },
    (_, at) => `${backslash}u${hidden.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');

/**
 * Escapes text of several lines: line breaks (LF and CRLF) and tabs stay. `backslash` is what the output format writes
 * for a backslash.
 */
export const printable = (text: string, backslash = '\\'): string =>
  text.toWellFormed().replaceAll(HIDDEN, (hidden) => shown(hidden, backslash));

/** Escapes a value within a line, so that it cannot start a new line. */
export const printableLine = (text: string): string => printable(text.replaceAll(BREAKS, ' ')).trim();

/** Returns lossless, printable JSON of a value. */
export const printableJson = (value: unknown, indent?: number): string =>
  printable(JSON.stringify(value, null, indent));

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes text for HTML and quoted attributes, and shows invisible characters. */
export const escaped = (text: string): string =>
  printable(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
