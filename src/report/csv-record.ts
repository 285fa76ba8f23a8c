import { printable } from '../format/printable.ts';

export type CsvValue = string | number | boolean | null;

/** Formats a record of RFC 4180: CRLF, quotes if necessary, doubled within a value. Null is an empty field. */
export const csvRecord = (values: readonly CsvValue[]): string => `${values.map(cell).join(',')}\r\n`;

function cell(value: CsvValue): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = inert(printable(value));
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Prefixes text that a spreadsheet would evaluate as a formula with a single quote, because names and messages come
 * from the cloud and the playbook (https://owasp.org/www-community/attacks/CSV_Injection). Some spreadsheets also
 * accept full-width signs, or spaces before the sign.
 */
const inert = (text: string): string =>
  /^(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/.test(text) ? `'${text}` : text;
