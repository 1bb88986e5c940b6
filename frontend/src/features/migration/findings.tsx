import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Finding } from '@/api/client';
import { number } from '@/format';
import { sentence } from '@/i18n';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';

const pageSize = 50;

/** What was found wrong with lines of a file, in words, with what to do. */
export function FindingTable({ findings, caption }: { findings: Finding[]; caption: string }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(pageSize);
  const columns = useMemo<Column<Finding>[]>(
    () => [
      {
        heading: t('migration.finding.line'),
        number: true,
        cell: ({ line }) => (line === 0 ? t('migration.finding.file') : number(line)),
      },
      { heading: t('migration.finding.column'), cell: ({ column }) => column || '–' },
      {
        heading: t('migration.finding.value'),
        cell: ({ code, value }) => {
          if (value !== '') return <span className="code">{value}</span>;
          return <span className="quiet">{code.endsWith('.missing') ? t('migration.finding.empty') : '–'}</span>;
        },
      },
      {
        heading: t('migration.finding.message'),
        cell: ({ code, message }) => sentence(code, message),
      },
    ],
    [t],
  );
  return (
    <>
      <Table
        caption={caption}
        columns={columns}
        rows={findings.slice(0, shown)}
        rowKey={(finding) => findings.indexOf(finding)}
      />
      {findings.length > pageSize && (
        <LoadMore
          shown={Math.min(shown, findings.length)}
          more={shown < findings.length}
          pending={false}
          onMore={() => setShown(shown + 4 * pageSize)}
        />
      )}
    </>
  );
}
