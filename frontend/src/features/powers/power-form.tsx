import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { givePower, type PowerTerms, requestPower, type Side } from '@/api/powers';
import type { CatalogueRight } from '@/api/rights';
import { may, type Session } from '@/api/session';
import { danishInstant } from '@/format';
import { RightPicker } from '@/features/entitlements/right-form';
import { useRightName } from '@/features/entitlements/words';
import { codeText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { DateField, noDate } from '@/ui/date-field';
import { TextArea, TextField } from '@/ui/field';
import { useToast } from '@/ui/toast';

interface PowerFormProps {
  side: Side;
  session: Session;
  onClose: () => void;
}

type Wrong = Partial<Record<'cvr' | 'person' | 'rights' | 'until' | 'reason', string>>;

/** Gives a power of attorney, or asks for one. */
export function PowerForm({ side, session, onClose }: PowerFormProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [cvr, setCvr] = useState('');
  const [person, setPerson] = useState('');
  const [rights, setRights] = useState<CatalogueRight[]>([]);
  const [until, setUntil] = useState(noDate);
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState<Wrong>({});
  const gives = side === 'given';
  const persons = gives && may(session, 'attorney.give_person');
  const onlyPersons = persons && !may(session, 'attorney.give');
  const send = useMutation({
    mutationFn: (terms: PowerTerms) => (gives ? givePower(terms) : requestPower(terms)),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['powers'] });
      toast('success', t(gives ? 'attorney.made' : 'attorney.asked'));
      onClose();
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const dated = until.day + until.month + until.year !== '';
    const end = dated ? danishInstant(until, 23, 59) : undefined;
    const found: Wrong = {};
    if (!/^\d{8}$/.test(cvr.replaceAll(' ', ''))) found.cvr = t('attorney.form.cvrWrong');
    if (onlyPersons && person.trim() === '') found.person = t('attorney.form.personWrong');
    if (rights.length === 0) found.rights = t('attorney.form.rightsWrong');
    if (dated && (end === undefined || end < new Date())) found.until = codeText('form.datePast') ?? t('attorney.form.untilWrong');
    if (!gives && reason.trim().length < 10) found.reason = codeText('approval.reason.length') ?? t('roleAdmin.reasonHint');
    setWrong(found);
    if (Object.keys(found).length > 0 || send.isPending) return;
    send.mutate({
      cvr: cvr.replaceAll(' ', ''),
      person: person.trim(),
      rights: rights.map((one) => one.id),
      until: end?.toISOString() ?? null,
      reason: reason.trim(),
    });
  };
  return (
    <form noValidate onSubmit={submit}>
      {send.error !== null && (
        <Alert tone="error" live>
          {errorText(send.error)}
        </Alert>
      )}
      <TextField
        id="power-cvr"
        label={t(gives ? 'attorney.form.receiver' : 'attorney.form.giver')}
        hint={t('attorney.form.cvrHint')}
        inputMode="numeric"
        maxLength={11}
        error={wrong.cvr}
        value={cvr}
        onChange={(event) => setCvr(event.target.value)}
      />
      {persons && (
        <TextField
          id="power-person"
          label={t('attorney.form.person')}
          hint={t('attorney.form.personHint')}
          optional={!onlyPersons}
          maxLength={254}
          error={wrong.person}
          value={person}
          onChange={(event) => setPerson(event.target.value)}
        />
      )}
      <Rights rights={rights} error={wrong.rights} onChange={setRights} />
      <DateField
        id="power-until"
        label={t('attorney.form.until')}
        hint={t('attorney.form.untilHint')}
        optional
        error={wrong.until}
        value={until}
        onChange={setUntil}
      />
      {!gives && (
        <TextArea
          id="power-reason"
          label={t('attorney.reason')}
          hint={t('roleAdmin.reasonHint')}
          rows={3}
          maxLength={500}
          error={wrong.reason}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
      )}
      <div className="actions">
        <Button type="submit" variant="primary" pending={send.isPending}>
          {t(gives ? 'attorney.given.make' : 'attorney.received.make')}
        </Button>
        <Button onClick={onClose}>{t('ui.cancel')}</Button>
      </div>
    </form>
  );
}

interface RightsProps {
  rights: CatalogueRight[];
  error: string | undefined;
  onChange: (rights: CatalogueRight[]) => void;
}

/** Several rights, picked one by one. */
function Rights({ rights, error, onChange }: RightsProps) {
  const { t } = useTranslation();
  const nameOf = useRightName();
  const add = (right: CatalogueRight | undefined) => {
    if (right !== undefined && !rights.some((one) => one.id === right.id)) onChange([...rights, right]);
  };
  return (
    <>
      <RightPicker id="power" service="" picked={undefined} error={error} onPick={add} />
      {rights.length > 0 && (
        <ul aria-label={t('attorney.rights')}>
          {rights.map((one) => (
            <li key={one.id}>
              {nameOf(one)} <span className="quiet">({one.service_name})</span>{' '}
              <Button
                variant="unstyled"
                icon="close"
                aria-label={t('attorney.form.dropOne', { name: nameOf(one) })}
                onClick={() => onChange(rights.filter((other) => other.id !== one.id))}
              >
                {t('attorney.form.drop')}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
