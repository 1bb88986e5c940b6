import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { addOperator, operatorQuery, operatorsQuery, removeOperator } from '@/api/operator';
import { errorText, ProblemError } from '@/api/client';
import { dateTime } from '@/format';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { CopyButton } from '@/ui/copy-button';
import { ErrorSummary } from '@/ui/error-summary';
import { Skeleton } from '@/ui/feedback';
import { TextField } from '@/ui/field';
import { Table } from '@/ui/table';

export function OperatorsPage() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { data } = useQuery(operatorsQuery);
  const self = useQuery(operatorQuery);
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const add = useMutation({
    mutationFn: () => addOperator({ name, email }),
    onSuccess: () => {
      setName('');
      setEmail('');
      void queries.invalidateQueries({ queryKey: operatorsQuery.queryKey });
    },
  });
  const remove = useMutation({ mutationFn: removeOperator, onSuccess: (now) => queries.setQueryData(operatorsQuery.queryKey, now) });
  const field = add.error instanceof ProblemError ? add.error.field : undefined;
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!add.isPending) add.mutate();
  };
  return (
    <Page title={t('operator.pages.operators')} lead={t('operator.operatorsLead')} narrow>
      {data === undefined && <Skeleton label={t('ui.loading')} />}
      {remove.error !== null && (
        <Alert tone="error" live>
          {errorText(remove.error)}
        </Alert>
      )}
      {data !== undefined && (
        <Table
          caption={t('operator.pages.operators')}
          columns={[
            { heading: t('onboarding.name'), rowHeading: true, cell: (o) => o.name },
            { heading: t('onboarding.email'), cell: (o) => <span className="break">{o.email}</span> },
            { heading: t('operator.lastLogin'), cell: (o) => (o.waiting ? t('operator.notSetUp') : o.last_login_at ? dateTime(o.last_login_at) : '–') },
            {
              heading: t('operator.act'),
              cell: (o) =>
                o.id !== self.data?.id && (
                  <Button variant="unstyled" icon="delete" aria-label={t('operator.removeWho', { name: o.name })} onClick={() => !remove.isPending && confirm(t('operator.removeWho', { name: o.name })) && remove.mutate(o.id)}>
                    {t('onboarding.remove')}
                  </Button>
                ),
            },
          ]}
          rows={data.items}
          rowKey={(o) => o.id}
        />
      )}
      {add.data !== undefined && (
        <Alert tone="success" heading={t('operator.made')} live>
          <p className="alert-text break">{add.data.setup_link}</p>
          <CopyButton text={add.data.setup_link} what={t('operator.link')} />
        </Alert>
      )}
      <form className="panel" noValidate onSubmit={send}>
        {add.error !== null && <ErrorSummary problems={[{ field: field ?? 'name', text: errorText(add.error) }]} attempt={1} />}
        <h2>{t('operator.add')}</h2>
        <TextField id="name" label={t('onboarding.name')} error={field === 'name' ? errorText(add.error) : undefined} value={name} onChange={(e) => setName(e.target.value)} />
        <TextField id="email" type="email" label={t('onboarding.email')} error={field === 'email' ? errorText(add.error) : undefined} value={email} onChange={(e) => setEmail(e.target.value)} />
        <Button type="submit" variant="primary" pending={add.isPending}>
          {t('operator.add')}
        </Button>
      </form>
    </Page>
  );
}
