import type { ReactNode } from 'react';

export interface Column<T> {
  heading: string;
  cell: (row: T) => ReactNode;
  /** Numbers stand to the right. */
  number?: boolean;
  /** The cell that names its row. */
  rowHeading?: boolean;
}

interface TableProps<T> {
  /** Read out, not shown. */
  caption: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string | number;
}

/** A table that becomes a list of named values on a phone. */
export function Table<T>({ caption, columns, rows, rowKey }: TableProps<T>) {
  return (
    <div className="table-frame">
      <table className="table table--compact table-md-responsive-headers">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ heading, number = false }) => (
              <th scope="col" key={heading} className={number ? 'number' : undefined}>
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => (
                <Cell key={column.heading} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell<T>({ column, row }: { column: Column<T>; row: T }) {
  const { heading, cell, number = false, rowHeading = false } = column;
  const shape = { 'data-title': heading, className: number ? 'number' : undefined };
  return rowHeading ? (
    <th scope="row" {...shape}>
      <div>{cell(row)}</div>
    </th>
  ) : (
    <td {...shape}>
      <div>{cell(row)}</div>
    </td>
  );
}
