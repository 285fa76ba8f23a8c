export const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${head(text, Math.max(0, width - 1))}…`;

/** Returns the first `length` characters, or one fewer if that would split a surrogate pair. */
const head = (text: string, length: number): string => text.slice(0, length).replace(/[\ud800-\udbff]$/, '');
const tail = (text: string, length: number): string => text.slice(text.length - length).replace(/^[\udc00-\udfff]/, '');

/** Shortens a text in the middle, because names with the same start differ at their ends. */
export function cutMiddle(text: string, width: number): string {
  if (text.length <= width) return text;
  const before = Math.ceil((width - 1) / 2);
  return `${head(text, before)}…${tail(text, width - 1 - before)}`;
}

/** The width of prose and timelines in a file, where lines may have any width. */
export const FILE_COLUMNS = 100;

/** Returns whether lines may have any width, as in a file: then nothing is truncated. */
export const isUnbounded = (width: number): boolean => width === Number.POSITIVE_INFINITY;

/** Wraps a text into lines of at most `width`; all but the first start with `indent`. */
export function wrap(text: string, width: number, indent = ''): readonly string[] {
  const columns = isUnbounded(width) ? FILE_COLUMNS : width;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= columns || line.trim() === '') line = longer;
    else {
      lines.push(line);
      line = indent + word;
    }
  }
  return [...lines, line].map((wrapped) => cut(wrapped, width));
}

export type Column<Row> = {
  readonly head: string;
  readonly align?: 'left' | 'right';
  readonly cell: (row: Row) => string;
  /** Whether the column is left out if the columns do not fit. */
  readonly spare?: boolean;
  /** Colours a padded cell. */
  readonly paint?: (padded: string, row: Row) => string;
};

/**
 * Formats columns as wide as their content, two spaces apart and indented by two. If that is wider than `width`, spare
 * columns are left out, and lines that are still too wide are truncated.
 */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width }: { readonly width: number },
): readonly string[] {
  const measure = (column: Column<Row>) =>
    rows.reduce((widest, row) => Math.max(widest, column.cell(row).length), column.head.length);
  const fits = columns.reduce((sum, column) => sum + 2 + measure(column), 0) <= width;
  const shown = (fits ? columns : columns.filter(({ spare }) => spare !== true)).map((column) => ({
    ...column,
    width: measure(column),
  }));
  const line = (row: Row | null): string => {
    let room = width;
    let out = '';
    for (const column of shown) {
      const text = row === null ? column.head : column.cell(row);
      const padded = column.align === 'right' ? text.padStart(column.width) : text.padEnd(column.width);
      const cell = cut(padded, room - 2);
      if (room <= 2) break;
      room -= 2 + cell.length;
      out += `  ${row !== null && column.paint ? column.paint(cell, row) : cell}`;
    }
    return out.trimEnd();
  };
  return [line(null), ...rows.map(line)];
}
