import { useTranslation } from 'react-i18next';
import { number } from '@/format';

export interface Part {
  /** 1 to 8: its colour. */
  colour: number;
  label: string;
  count: number;
}

export interface Column {
  /** Under the column. */
  label: string;
  /** Under the first column of a year, say. */
  group?: string | undefined;
  /** The whole name, in the tip. */
  name: string;
  parts: Part[];
}

interface ColumnsProps {
  columns: Column[];
  /** Said of the picture; the numbers are in a table beside it. */
  label: string;
  /** The top of the scale; charts side by side share one. */
  most: number;
}

const step = 26;
const left = 34;
const height = 160;

/** A scale that ends at a round number, in at most five steps. */
function ticks(most: number): number[] {
  const rough = Math.max(1, most / 4);
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? rough;
  const round = Math.max(1, Math.round(size));
  return Array.from({ length: Math.ceil(Math.max(most, 1) / round) + 1 }, (_, i) => i * round);
}

const sum = (column: Column): number => column.parts.reduce((all, part) => all + part.count, 0);

/** Columns of stacked parts, and what the colours mean. */
export function StackedColumns({ columns, label, most }: ColumnsProps) {
  const { t } = useTranslation();
  const scale = ticks(most);
  const top = scale.at(-1) ?? 1;
  const y = (value: number): number => 12 + height - (value / top) * height;
  const width = left + columns.length * step + 8;
  const legend = [...new Map(columns.flatMap((column) => column.parts).map((part) => [part.label, part])).values()];
  const totals = new Map<string, number>();
  for (const part of columns.flatMap((column) => column.parts)) totals.set(part.label, (totals.get(part.label) ?? 0) + part.count);
  return (
    <figure className="chart">
      {/* On a phone the picture is wider than the page: it scrolls by itself, by keyboard too. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must take the focus (axe: scrollable-region-focusable) */}
      <div className="columns-frame" role="group" aria-label={label} tabIndex={0}>
        <svg viewBox={`0 0 ${width} ${height + 54}`} width={width * 1.6} role="img" aria-label={label}>
          {scale.map((value) => (
            <g key={value} className="tick">
              <line x1={left} x2={width} y1={y(value)} y2={y(value)} />
              <text x={left - 6} y={y(value) + 3} textAnchor="end">
                {number(value)}
              </text>
            </g>
          ))}
          {columns.map((column, i) => {
            const x = left + i * step;
            return (
              <g key={column.name}>
                {column.parts.map((part, n) => {
                  const below = column.parts.slice(0, n).reduce((all, one) => all + one.count, 0);
                  return (
                    <rect key={part.label} className={`part-${part.colour}`} x={x + 4} width={step - 8} y={y(below + part.count)} height={y(below) - y(below + part.count)}>
                      <title>{`${column.name}, ${part.label}: ${number(part.count)}`}</title>
                    </rect>
                  );
                })}
                {sum(column) > 0 && (
                  <text className="count" x={x + step / 2} y={y(sum(column)) - 3} textAnchor="middle">
                    {number(sum(column))}
                  </text>
                )}
                <text x={x + step / 2} y={height + 27} textAnchor="middle">
                  {column.label}
                </text>
                {column.group !== undefined && (
                  <text className="group" x={x + 4} y={height + 45}>
                    {column.group}
                  </text>
                )}
              </g>
            );
          })}
        </svg>
      </div>
      <ul className="legend">
        {legend.map((part) => (
          <li key={part.label} className={`part-${part.colour}`}>
            <svg aria-hidden />
            {part.label}: <strong className="number">{number(totals.get(part.label) ?? 0)}</strong>
          </li>
        ))}
        {legend.length === 0 && <li>{t('ui.nothing')}</li>}
      </ul>
    </figure>
  );
}
