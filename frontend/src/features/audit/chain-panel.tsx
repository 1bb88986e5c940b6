import { useMutation, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { auditProof, auditStatusQuery, verifyAudit } from '@/api/audit';
import { errorText } from '@/api/client';
import { date, number } from '@/format';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';

/** How far the log is sealed and signed, and whether that is true. */
export function ChainPanel() {
  const { t } = useTranslation();
  const { data: status } = useQuery(auditStatusQuery);
  const { mutate, data: report, error, isPending } = useMutation({ mutationFn: verifyAudit });
  return (
    <section className="panel" aria-labelledby="chain">
      <h2 id="chain">{t('audit.chain.title')}</h2>
      {status !== undefined && (
        <p>
          {t('audit.chain.sealed', { number: number(status.sealed) })}{' '}
          {status.checkpoint === null
            ? t('audit.chain.unsigned')
            : t('audit.chain.signed', { number: number(status.checkpoint.number), date: date(status.checkpoint.at) })}
        </p>
      )}
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      {report !== undefined && report.problems.length === 0 && (
        <Alert tone="success" live>
          {t('audit.chain.good', { number: number(report.sealed) })}
        </Alert>
      )}
      {report !== undefined && report.problems.length > 0 && (
        <Alert tone="error" live heading={t('audit.chain.bad')}>
          <ul>
            {report.problems.map((one) => (
              <li key={`${one.kind} ${one.number} ${one.text}`}>{t(`audit.chain.problem.${one.kind}`, { number: number(one.number) })}</li>
            ))}
          </ul>
        </Alert>
      )}
      <div className="button-group">
        <Button icon="checklist" pending={isPending} onClick={() => mutate()}>
          {t('audit.chain.verify')}
        </Button>
        <a className="button button-tertiary" href={auditProof} download>
          {t('audit.chain.proof')}
        </a>
      </div>
    </section>
  );
}
