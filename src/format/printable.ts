/**
 * Text from a cloud, a playbook or a configuration may hold anything. These functions show what is not seen, so that a
 * terminal, a browser or an editor neither obeys it nor is deceived by it: control characters (C0 and C1), those that
 * turn the direction of writing, and every other one without a glyph (Unicode's Default_Ignorable_Code_Point). They are
 * shown in JSON's notation, as in `\u001b`, so that JSON stays what it was: no text is lost in it.
 *
 * Variation selectors 15 and 16 stay: they only choose between an emoji and its plain sign.
 */
const HIDDEN = /[^\P{Cc}\n\t\r]|\r(?!\n)|[\p{Cf}\p{Zl}\p{Zp}]|(?!\ufe0e|\ufe0f)\p{Default_Ignorable_Code_Point}/gu;

/** All of Unicode's line breaks, and tabs. */
const BREAKS = /[\t-\r\u0085\u2028\u2029]+/g;

const shown = (hidden: string, backslash: string): string =>
  Array.from(
    { length: hidden.length },
    (_, at) => `${backslash}u${hidden.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');

/** For text of several lines: line breaks (LF and CRLF) and tabs stay. `backslash`: one as the format writes it. */
export const printable = (text: string, backslash = '\\'): string =>
  text.toWellFormed().replaceAll(HIDDEN, (hidden) => shown(hidden, backslash));

/** For a value within a line: it can't begin another one. */
export const printableLine = (text: string): string => printable(text.replaceAll(BREAKS, ' ')).trim();

/** The JSON of a value, lossless and printable. */
export const printableJson = (value: unknown, indent?: number): string =>
  printable(JSON.stringify(value, null, indent));
