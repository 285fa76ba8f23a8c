import type { ComponentChildren, JSX } from 'preact';

export type Column<Row> = {
  readonly head: string;
  /** Whether the cells are figures, which are right-aligned; names are left-aligned. */
  readonly figure?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
};

type TableProps<Row> = {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row, index: number) => string;
  /** Whether a row becomes a list of its cells on a phone, instead of scrolling sideways. */
  readonly stacks?: boolean;
  /** Whether only screen readers get the caption. */
  readonly hidesCaption?: boolean;
};

/** Shows a table. If it is wider than the page, it scrolls sideways. */
export function Table<Row>({
  caption,
  columns,
  rows,
  keyOf,
  stacks = false,
  hidesCaption = false,
}: TableProps<Row>): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={caption}>
      <table class={stacks ? 'stacks' : undefined}>
        <caption class={hidesCaption ? 'visually-hidden' : undefined}>{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ head, figure }) => (
              <th key={head} scope="col" class={figure ? 'figure' : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, position) => (
            <tr key={keyOf(row, position)}>
              {columns.map(({ head, figure, cell }, index) =>
                index === 0 ? (
                  <th key={head} scope="row">
                    {cell(row)}
                  </th>
                ) : (
                  <td key={head} class={figure ? 'figure' : undefined} data-head={head}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
