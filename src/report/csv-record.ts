import { printable } from '../format/printable.ts';

export type CsvValue = string | number | boolean | null;

/** RFC 4180: CRLF, quotes where they are needed, doubled inside. What does not apply is empty. */
export const csvRecord = (values: readonly CsvValue[]): string => `${values.map(cell).join(',')}\r\n`;

function cell(value: CsvValue): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = inert(printable(value));
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A spreadsheet takes text that begins like this for a formula, and names and messages come from the cloud and the
 * playbook: a single quote in front makes it text (https://owasp.org/www-community/attacks/CSV_Injection). Some take the
 * full-width signs of East Asian writing for the same, and some leave out spaces before them.
 */
const inert = (text: string): string =>
  /^(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/.test(text) ? `'${text}` : text;
