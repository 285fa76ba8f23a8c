import { printableLine } from '../format/printable.ts';

/**
 * Written as entities, which have no structural meaning in Markdown or HTML (CommonMark, 2.5) and do not end a table
 * cell.
 */
const ENTITIES = new Set(['&', '<', '>', '|', '`', '\\']);
const ESCAPED = new Set(['*', '_', '[', ']', '#', '~', '$', '{', '}']);

/**
 * Forges find these in the rendered text, so escapes do not help: @somebody would be notified, #1 and https://...
 * linked, and :sign: replaced by a picture. A zero-width space separates them from the text that follows.
 */
const REFERENCES = /[@#!$%~&](?=\S)|(?<!\d):(?=\S)|:(?=[^\s\d])|\bwww(?=\.)/giu;
const ZERO_WIDTH_SPACE = '\u200b';

/** Escapes a text from outside, on one line: nothing in it is markup, a tag, a link or a column separator. */
export function plainMarkdown(text: string): string {
  const separated = printableLine(text).replaceAll(REFERENCES, `$&${ZERO_WIDTH_SPACE}`);
  const escaped = Array.from(separated, (one) => {
    if (ENTITIES.has(one)) return `&#${one.codePointAt(0)};`;
    if (one === ZERO_WIDTH_SPACE) return '&#8203;';
    return ESCAPED.has(one) ? `\\${one}` : one;
  }).join('');
  // List markers and underlines of headings count at the start of a line only.
  return escaped.replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2').replace(/^[-+=]/, '\\$&');
}

/** Cells return Markdown: figures, fixed words, or the result of `plainMarkdown`. */
export type MarkdownColumn<Row> = {
  readonly head: string;
  readonly align?: 'left' | 'right';
  readonly cell: (row: Row) => string;
};

/** Formats a table, followed by an empty line. */
export function markdownTable<Row>(columns: readonly MarkdownColumn<Row>[], rows: readonly Row[]): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ head }) => head)),
    line(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => line(columns.map(({ cell }) => cell(row)))),
    '',
  ];
}
