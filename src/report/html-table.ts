import { html, type Markup } from './html-markup.ts';

export type HtmlColumn<Row> = {
  readonly head: string;
  /** Numbers stand at the right, figures at the left, and neither is broken into lines. Words when left out. */
  readonly kind?: 'words' | 'figure' | 'number';
  /** The row is named by it. */
  readonly names?: boolean;
  readonly cell: (row: Row) => string | Markup;
};

/** A table with a caption; on a narrow screen a row becomes a card, its cells with their heads before them. */
export function htmlTable<Row>(caption: string, columns: readonly HtmlColumn<Row>[], rows: readonly Row[]): Markup {
  const kindOf = ({ kind = 'words' }: HtmlColumn<Row>) => kind;
  const cell = (column: HtmlColumn<Row>, row: Row): Markup =>
    column.names === true
      ? html`<th scope="row">${column.cell(row)}</th>`
      : html`<td class="${kindOf(column)}" data-head="${column.head}">${column.cell(row)}</td>`;
  return html`<table>
<caption>${caption}</caption>
<thead><tr>${columns.map((column) => html`<th scope="col" class="${kindOf(column)}">${column.head}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${columns.map((column) => cell(column, row))}</tr>\n`)}</tbody>
</table>
`;
}

/** What was left out, so that nobody takes what is shown for all. */
export const left = (all: number, shown: number): Markup | null =>
  all <= shown ? null : html`<p class="left">And ${all - shown} more: the JSON report has them all.</p>\n`;
