import { useMutation } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { blockReported, report, type Reported, type Target } from '@/api/operator';
import { noGrounds, ReasonFields, revocation } from '@/features/block/reason-fields';
import { date, dateTime } from '@/format';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { SelectField, TextArea, TextField } from '@/ui/field';

const noteLength = 10;

/** An operator finds what a caller wants blocked, and blocks it. */
export function BlockReportedPage() {
  const { t } = useTranslation();
  const [by, setBy] = useState<'serial' | 'rid'>('serial');
  const [serial, setSerial] = useState('');
  const [cvr, setCvr] = useState('');
  const [rid, setRid] = useState('');
  const target: Target = by === 'serial' ? { serial } : { cvr, rid };
  const find = useMutation({ mutationFn: report });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!find.isPending) find.mutate(target);
  };
  const other = () => find.reset();
  return (
    <Page title={t('operator.block.title')} lead={t('operator.block.lead')} narrow>
      <form className="panel" noValidate onSubmit={submit}>
        {find.error !== null && (
          <Alert tone="error" live>
            {errorText(find.error)}
          </Alert>
        )}
        <SelectField id="by" label={t('block.by.label')} value={by} onChange={(e) => { setBy(e.target.value as typeof by); other(); }}>
          <option value="serial">{t('block.by.serial')}</option>
          <option value="rid">{t('block.by.rid')}</option>
        </SelectField>
        {by === 'serial' ? (
          <TextField id="serial" label={t('block.serial.label')} autoComplete="off" spellCheck={false} maxLength={100} value={serial} onChange={(e) => { setSerial(e.target.value); other(); }} />
        ) : (
          <>
            <TextField id="cvr" label={t('block.cvr')} inputMode="numeric" autoComplete="off" maxLength={20} value={cvr} onChange={(e) => { setCvr(e.target.value); other(); }} />
            <TextField id="rid" label={t('block.rid.label')} autoComplete="off" maxLength={100} value={rid} onChange={(e) => { setRid(e.target.value); other(); }} />
          </>
        )}
        <div className="actions">
          <Button type="submit" variant="primary" icon="search" pending={find.isPending}>
            {t('operator.block.find')}
          </Button>
        </div>
      </form>
      {find.data !== undefined && <Found key={find.submittedAt} found={find.data} target={target} />}
    </Page>
  );
}

function Found({ found, target }: { found: Reported; target: Target }) {
  const { t } = useTranslation();
  const [grounds, setGrounds] = useState(noGrounds);
  const [tried, setTried] = useState(false);
  const { mutate, isPending, error, data } = useMutation({ mutationFn: blockReported });
  const short = grounds.note.trim().length < noteLength;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const why = revocation(grounds);
    setTried(true);
    if (why !== undefined && !short && !isPending) mutate({ ...target, reason: why.reason, note: grounds.note.trim() });
  };
  const blockedAt = data?.blocked_at ?? found.blocked_at;
  return (
    <section className="panel" aria-labelledby="found">
      <h2 id="found">{found.holder === '' ? found.organisation : found.holder}</h2>
      <dl className="facts">
        <dt>{t('operator.organisation')}</dt>
        <dd>
          {found.organisation}, CVR {found.cvr}
        </dd>
        <dt>{t('certificates.kind')}</dt>
        <dd>{found.kind === null ? t('operator.block.ordered') : t(`operator.block.kinds.${found.kind}`)}</dd>
        {found.serial !== null && (
          <>
            <dt>{t('certificates.serial')}</dt>
            <dd className="code break">{found.serial}</dd>
          </>
        )}
        {found.not_after !== null && (
          <>
            <dt>{t('certificates.notAfter')}</dt>
            <dd>{date(found.not_after)}</dd>
          </>
        )}
      </dl>
      {blockedAt === null ? (
        <form noValidate onSubmit={submit}>
          {error !== null && (
            <Alert tone="error" live>
              {errorText(error)}
            </Alert>
          )}
          <ReasonFields id="found" value={grounds} onChange={setGrounds} missing={tried} noted={false} />
          <TextArea
            id="who"
            label={t('operator.block.who')}
            hint={t('operator.block.whoHint')}
            rows={3}
            maxLength={500}
            error={tried && short ? t('operator.block.whoMissing', { count: noteLength }) : undefined}
            value={grounds.note}
            onChange={(event) => setGrounds({ ...grounds, note: event.target.value })}
          />
          <Alert tone="warning">{t('operator.block.final')}</Alert>
          <Button type="submit" variant="warning" icon="lock" pending={isPending}>
            {t('operator.block.submit')}
          </Button>
        </form>
      ) : (
        <Alert tone={data === undefined ? 'info' : 'success'} heading={t(data === undefined ? 'operator.block.already' : 'operator.block.done')} live>
          {dateTime(blockedAt)}
        </Alert>
      )}
    </section>
  );
}
