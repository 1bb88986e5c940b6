import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { blockCodeCard, type EmployeeDetails } from '@/api/employees';
import { dateTime } from '@/format';
import { Button } from '@/ui/button';
import { BlockDialog } from './block-dialog';
import { CodeCardBadge } from './state';

export function CodeCardPanel({ employee, manages }: { employee: EmployeeDetails; manages: boolean }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const card = employee.code_card_details;
  return (
    <section className="panel" aria-labelledby="code-card">
      <div className="panel-top">
        <h2 id="code-card">{t('employees.codeCard.heading')}</h2>
        <CodeCardBadge state={employee.code_card} />
      </div>
      {card === null ? (
        <p>{t('employees.codeCard.noneText')}</p>
      ) : (
        <dl className="facts">
          {card.blocked_at !== null && (
            <>
              <dt>{t('employees.codeCard.blockedAt')}</dt>
              <dd>{dateTime(card.blocked_at)}</dd>
              {card.block_reason !== '' && (
                <>
                  <dt>{t('employees.block.reason')}</dt>
                  <dd>{card.block_reason}</dd>
                </>
              )}
            </>
          )}
          {card.blocked_at === null && (
            <>
              <dt>{t('employees.codeCard.due')}</dt>
              <dd>{card.block_due_at === null ? t('employees.codeCard.never') : dateTime(card.block_due_at)}</dd>
            </>
          )}
        </dl>
      )}
      {manages && employee.code_card === 'active' && (
        <div className="actions">
          <Button icon="lock" onClick={() => setAsking(true)}>
            {t('employees.block.codeCard.submit')}
          </Button>
        </div>
      )}
      <BlockDialog
        id={employee.id}
        what="codeCard"
        name={`${employee.given_name} ${employee.surname}`}
        open={asking}
        onClose={() => setAsking(false)}
        block={blockCodeCard}
      />
    </section>
  );
}
