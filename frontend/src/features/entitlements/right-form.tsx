import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { type CatalogueRight, catalogueQuery, type RightConstraint, rightServicesQuery, type RightScope } from '@/api/rights';
import { codeText } from '@/i18n';
import { danishInstant } from '@/format';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Choices } from '@/ui/choices';
import { DateField, noDate } from '@/ui/date-field';
import { SelectField, TextArea, TextField } from '@/ui/field';
import { useRightName } from './words';

export interface ChosenRight {
  right: string;
  scope: RightScope;
  constraints: RightConstraint[];
  until: string | null;
  reason: string;
}

interface RightFormProps {
  /** Names the controls. */
  id: string;
  submit: string;
  pending: boolean;
  error: unknown;
  /** A right that is chosen already. */
  right?: CatalogueRight;
  /** Only rights of this service. */
  service?: string;
  /** Asks for a reason and no date, instead of a date. */
  asks?: boolean;
  onSubmit: (chosen: ChosenRight) => void;
}

/** A right, what it is limited to, and until when, or why it is needed. */
export function RightForm({ id, submit, pending, error, right: fixed, service: only = '', asks = false, onSubmit }: RightFormProps) {
  const { t } = useTranslation();
  const [picked, setPicked] = useState<CatalogueRight>();
  const right = fixed ?? picked;
  const [scope, setScope] = useState<RightScope>({ kind: 'cvr', value: '' });
  const [constraints, setConstraints] = useState<Record<string, string[]>>({});
  const [until, setUntil] = useState(noDate);
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState<'right' | 'until' | 'reason'>();
  const kinds = right?.scopes ?? [];
  const kind = kinds.includes(scope.kind) ? scope.kind : (kinds[0] ?? 'cvr');
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    const dated = until.day + until.month + until.year !== '';
    const end = dated ? danishInstant(until, 23, 59) : undefined;
    const ended = dated && (end === undefined || end < new Date());
    const missing = asks && reason.trim().length < 10 ? 'reason' : ended ? 'until' : undefined;
    setWrong(right === undefined ? 'right' : missing);
    if (right === undefined || missing !== undefined) return;
    const chosen = Object.entries(constraints).map(([name, values]) => ({ name, values: values.filter((one) => one.trim() !== '') }));
    if (pending) return;
    onSubmit({
      right: right.id,
      scope: { kind, value: kind === 'cvr' ? '' : scope.value.trim() },
      constraints: chosen.filter(({ values }) => values.length > 0),
      until: end?.toISOString() ?? null,
      reason: reason.trim(),
    });
  };
  return (
    <form noValidate onSubmit={send}>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      {fixed === undefined && (
        <RightPicker
          id={id}
          service={only}
          picked={picked}
          error={wrong === 'right' ? t('entitlements.form.pick') : undefined}
          onPick={setPicked}
        />
      )}
      {kinds.length > 1 && (
        <SelectField
          id={`${id}-scope`}
          label={t('entitlements.form.scope')}
          value={kind}
          onChange={(event) => setScope({ ...scope, kind: event.target.value as RightScope['kind'] })}
        >
          {kinds.map((one) => (
            <option key={one} value={one}>
              {t(`entitlements.scope.${one}`)}
            </option>
          ))}
        </SelectField>
      )}
      {kind !== 'cvr' && right !== undefined && (
        <TextField
          id={`${id}-unit`}
          className="input-width-m"
          inputMode="numeric"
          label={t(`entitlements.form.${kind}`)}
          maxLength={kind === 'p' ? 10 : 8}
          value={scope.value}
          onChange={(event) => setScope({ ...scope, value: event.target.value })}
        />
      )}
      {(right?.constraints ?? []).map((one, index) => (
        <Constraint
          key={one.name}
          id={`${id}-constraint-${index}`}
          constraint={one}
          chosen={constraints[one.name] ?? []}
          onChange={(values) => setConstraints({ ...constraints, [one.name]: values })}
        />
      ))}
      {asks ? (
        <TextArea
          id={`${id}-reason`}
          label={t('entitlements.form.reason')}
          hint={t('entitlements.form.reasonHint')}
          rows={3}
          maxLength={1000}
          error={wrong === 'reason' ? codeText('form.reason') : undefined}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
      ) : (
        <DateField
          id={`${id}-until`}
          label={t('entitlements.form.until')}
          hint={t('entitlements.form.untilHint')}
          optional
          error={wrong === 'until' ? codeText('form.datePast') : undefined}
          value={until}
          onChange={setUntil}
        />
      )}
      <div className="actions">
        <Button type="submit" variant="primary" pending={pending}>
          {submit}
        </Button>
      </div>
    </form>
  );
}

interface ConstraintProps {
  id: string;
  constraint: RightConstraint;
  chosen: string[];
  onChange: (values: string[]) => void;
}

function Constraint({ id, constraint, chosen, onChange }: ConstraintProps) {
  const { t } = useTranslation();
  const hint = t('entitlements.form.constraintHint');
  if (constraint.values.length > 0)
    return (
      <Choices
        id={id}
        legend={constraint.name}
        options={constraint.values.map((value) => ({ value, label: value }))}
        chosen={chosen}
        onChange={onChange}
      />
    );
  return (
    <TextField
      id={id}
      label={constraint.name}
      hint={hint}
      optional
      value={chosen.join(',')}
      onChange={(event) => onChange(event.target.value === '' ? [] : event.target.value.split(','))}
    />
  );
}

interface PickerProps {
  id: string;
  service: string;
  picked: CatalogueRight | undefined;
  error: string | undefined;
  onPick: (right: CatalogueRight | undefined) => void;
}

/** First the service, then one of its rights. */
export function RightPicker({ id, service: only, picked, error, onPick }: PickerProps) {
  const { t } = useTranslation();
  const nameOf = useRightName();
  const [chosen, setChosen] = useState('');
  const { data: services } = useQuery({ ...rightServicesQuery, enabled: only === '' });
  const service = only === '' ? chosen : only;
  const { data, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({ ...catalogueQuery(service, ''), enabled: service !== '' });
  const rights = data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      {only === '' && (
        <SelectField
          id={`${id}-service`}
          label={t('entitlements.form.service')}
          value={chosen}
          onChange={(event) => {
            setChosen(event.target.value);
            onPick(undefined);
          }}
        >
          <option value="">{t('entitlements.form.choose')}</option>
          {(services?.items ?? []).map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </SelectField>
      )}
      <SelectField
        id={`${id}-right`}
        label={t('entitlements.form.right')}
        error={error}
        disabled={service === ''}
        value={picked?.id ?? ''}
        onChange={(event) => onPick(rights.find((one) => one.id === event.target.value))}
      >
        <option value="">{t('entitlements.form.choose')}</option>
        {rights.map((one) => (
          <option key={one.id} value={one.id}>
            {nameOf(one)}
          </option>
        ))}
      </SelectField>
      {hasNextPage && (
        <Button pending={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {t('entitlements.form.more')}
        </Button>
      )}
    </>
  );
}
