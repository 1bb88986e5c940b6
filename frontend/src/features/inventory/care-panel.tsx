import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, ProblemError } from '@/api/client';
import { type Employee, employeeQuery } from '@/api/employees';
import { type Care, type CertificateView, changeCertificate } from '@/api/inventory';
import { may, sessionQuery } from '@/api/session';
import { EmployeePicker } from '@/features/roles/employee-picker';
import { date } from '@/format';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Checkbox, SelectField, TextArea, TextField } from '@/ui/field';
import { useToast } from '@/ui/toast';

/** Who looks after a certificate, what comes after it, and when. */
export function CarePanel({ view, manages }: { view: CertificateView; manages: boolean }) {
  const { t } = useTranslation();
  const [editing, setEditing] = useState(false);
  const { certificate: one } = view;
  return (
    <section className="panel" aria-labelledby="care">
      <h2 id="care">{t('inventory.care.heading')}</h2>
      {editing ? (
        <CareForm view={view} onClose={() => setEditing(false)} />
      ) : (
        <>
          <dl className="facts">
            <dt>{t('inventory.owner')}</dt>
            <dd>{view.owner === null ? t('inventory.none') : view.owner.name}</dd>
            <dt>{t('inventory.contact')}</dt>
            <dd className="break">{contactText(one) === '' ? t('inventory.none') : `${contactText(one)} (${t(`inventory.langs.${one.contact_lang}`)})`}</dd>
            {view.note !== '' && (
              <>
                <dt>{t('inventory.note')}</dt>
                <dd>{view.note}</dd>
              </>
            )}
          </dl>
          {manages && (
            <div className="actions">
              <Button icon="edit" onClick={() => setEditing(true)}>
                {t('inventory.care.edit')}
              </Button>
            </div>
          )}
        </>
      )}
    </section>
  );
}

const contactText = (one: CertificateView['certificate']) =>
  [one.contact_name, one.contact_email, ...one.contact_post.split('\n')].filter((text) => text !== '').join(', ');

function CareForm({ view, onClose }: { view: CertificateView; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const { certificate: one } = view;
  const [draft, setDraft] = useState<Care>({
    version: one.version,
    owner_id: view.owner?.id ?? '',
    contact_name: one.contact_name,
    contact_email: one.contact_email,
    contact_post: one.contact_post,
    contact_lang: one.contact_lang,
    successor_id: view.successor_id,
    renew_by: one.renew_by,
    switch_on: one.switch_on,
    note: view.note,
    retired: view.retired_at !== null,
  });
  const save = useMutation({
    mutationFn: () => changeCertificate(one.id, draft),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['inventory'] });
      toast('success', t('inventory.care.saved'));
      onClose();
    },
  });
  const field = save.error instanceof ProblemError ? save.error.field : undefined;
  const errorOf = (name: keyof Care) => (field === name ? errorText(save.error) : undefined);
  const text = (name: 'contact_name' | 'contact_email' | 'contact_post' | 'renew_by' | 'switch_on' | 'note') => ({
    id: `care-${name}`,
    value: draft[name] ?? '',
    error: errorOf(name),
    onChange: (event: { target: { value: string } }) => setDraft({ ...draft, [name]: event.target.value }),
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!save.isPending) save.mutate();
  };
  return (
    <form noValidate onSubmit={submit}>
      {save.error !== null && (
        <Alert tone="error" live>
          {errorText(save.error)}
        </Alert>
      )}
      <OwnerField id={draft.owner_id ?? ''} error={errorOf('owner_id')} onPick={(owner_id) => setDraft({ ...draft, owner_id })} />
      <TextField {...text('contact_name')} label={t('inventory.contactName')} hint={t('inventory.contactHint')} optional maxLength={200} />
      <TextField {...text('contact_email')} type="email" label={t('inventory.contactEmail')} optional maxLength={254} />
      <TextArea {...text('contact_post')} label={t('inventory.contactPost')} hint={t('inventory.contactPostHint')} rows={3} optional maxLength={400} />
      <SelectField
        id="care-contact_lang"
        label={t('inventory.contactLang')}
        error={errorOf('contact_lang')}
        value={draft.contact_lang ?? 'da'}
        onChange={(event) => setDraft({ ...draft, contact_lang: event.target.value === 'en' ? 'en' : 'da' })}
      >
        <option value="da">{t('inventory.langs.da')}</option>
        <option value="en">{t('inventory.langs.en')}</option>
      </SelectField>
      <SuccessorField view={view} id={draft.successor_id ?? ''} error={errorOf('successor_id')} onPick={(successor_id) => setDraft({ ...draft, successor_id })} />
      <TextField {...text('renew_by')} type="date" label={t('inventory.renewBy')} hint={t('inventory.renewByHint')} optional />
      <TextField {...text('switch_on')} type="date" label={t('inventory.switchOn')} hint={t('inventory.switchOnHint')} optional />
      <TextArea {...text('note')} label={t('inventory.note')} rows={3} optional maxLength={2000} />
      <Checkbox
        id="care-retired"
        label={t('inventory.care.retired')}
        checked={draft.retired ?? false}
        onChange={(event) => setDraft({ ...draft, retired: event.target.checked })}
      />
      <div className="actions">
        <Button type="submit" variant="primary" icon="save" pending={save.isPending}>
          {t('inventory.care.save')}
        </Button>
        <Button onClick={onClose}>{t('ui.cancel')}</Button>
      </div>
    </form>
  );
}

/** The owner is an employee; who may not see employees leaves it as it is. */
function OwnerField({ id, error, onPick }: { id: string; error: string | undefined; onPick: (id: string) => void }) {
  const { t } = useTranslation();
  const { data: session } = useQuery(sessionQuery);
  const sees = session !== undefined && may(session, 'employee.view');
  const { data } = useQuery({ ...employeeQuery(id), enabled: sees && id !== '' });
  const [picked, setPicked] = useState<Employee>();
  if (!sees) return null;
  const shown = id === '' ? undefined : (picked ?? data);
  return (
    <fieldset className="bare">
      <legend className="form-label">{t('inventory.owner')}</legend>
      <EmployeePicker
        id="care-owner"
        error={error}
        picked={shown}
        onPick={(employee) => {
          setPicked(employee);
          onPick(employee?.id ?? '');
        }}
      />
    </fieldset>
  );
}

interface SuccessorFieldProps {
  view: CertificateView;
  id: string;
  error: string | undefined;
  onPick: (id: string) => void;
}

/** What comes after it: one of the likely ones, or another by its ID or serial number. */
function SuccessorField({ view, id, error, onPick }: SuccessorFieldProps) {
  const { t } = useTranslation();
  const listed = [...view.likely.map((one) => ({ id: one.id, text: `${one.name} (${date(one.not_after)})` }))];
  if (view.successor_id !== '' && !listed.some((one) => one.id === view.successor_id)) {
    listed.unshift({ id: view.successor_id, text: view.successor === '' ? view.successor_id : view.successor });
  }
  const known = id === '' || listed.some((one) => one.id === id);
  const [typing, setTyping] = useState(!known);
  return (
    <>
      <SelectField
        id="care-successor"
        label={t('inventory.successor')}
        hint={t('inventory.successorHint')}
        error={typing ? undefined : error}
        value={typing ? 'other' : id}
        onChange={(event) => {
          const { value } = event.target;
          setTyping(value === 'other');
          onPick(value === 'other' ? '' : value);
        }}
      >
        <option value="">{t('inventory.none')}</option>
        {listed.map((one) => (
          <option key={one.id} value={one.id}>
            {one.text}
          </option>
        ))}
        <option value="other">{t('inventory.successorOther')}</option>
      </SelectField>
      {typing && (
        <TextField
          id="care-successor-id"
          label={t('inventory.successorId')}
          hint={t('inventory.successorIdHint')}
          error={error}
          value={id}
          maxLength={64}
          onChange={(event) => onPick(event.target.value.trim())}
        />
      )}
    </>
  );
}
