import { printableLine } from '../format/printable.ts';

/** No structure of Markdown or HTML can be made of an entity (CommonMark, 2.5), and none of these ends a table's cell. */
const ENTITIES = new Set(['&', '<', '>', '|', '`', '\\']);
const ESCAPED = new Set(['*', '_', '[', ']', '#', '~', '$', '{', '}']);

/**
 * Forges find these in what has been rendered already, so that no escape helps: @somebody would be notified, #1 linked,
 * https://... too, :sign: become a picture. A space without width parts them from what follows.
 */
const REFERENCES = /[@#!$%~&](?=\S)|(?<!\d):(?=\S)|:(?=[^\s\d])|\bwww(?=\.)/giu;
const PARTED = '\u200b';

/** Text from anywhere as what it is, on one line: nothing in it is a mark, a tag, a link or another column. */
export function plainMarkdown(text: string): string {
  const parted = printableLine(text).replaceAll(REFERENCES, `$&${PARTED}`);
  const escaped = Array.from(parted, (one) => {
    if (ENTITIES.has(one)) return `&#${one.codePointAt(0)};`;
    if (one === PARTED) return '&#8203;';
    return ESCAPED.has(one) ? `\\${one}` : one;
  }).join('');
  // a list, a heading underlined, a number of a list: where a line begins, and a cell's text may be moved to one
  return escaped.replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2').replace(/^[-+=]/, '\\$&');
}

/** Cells return Markdown: figures, fixed words, or the result of `plainMarkdown`. */
export type MarkdownColumn<Row> = {
  readonly head: string;
  readonly align?: 'left' | 'right';
  readonly cell: (row: Row) => string;
};

/** A table with an empty line after it. */
export function markdownTable<Row>(columns: readonly MarkdownColumn<Row>[], rows: readonly Row[]): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ head }) => head)),
    line(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => line(columns.map(({ cell }) => cell(row)))),
    '',
  ];
}
