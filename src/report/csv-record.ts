export type CsvValue = string | number | boolean | null;

/** RFC 4180: CRLF, quotes where they are needed, doubled inside. What does not apply is empty. */
export const csvRecord = (values: readonly CsvValue[]): string => `${values.map(cell).join(',')}\r\n`;

function cell(value: CsvValue): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = inert(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A spreadsheet takes text that begins like this for a formula, and names and messages come from the cloud and the
 * playbook: a single quote in front makes it text (https://owasp.org/www-community/attacks/CSV_Injection).
 */
const inert = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
