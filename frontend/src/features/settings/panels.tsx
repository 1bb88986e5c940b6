import i18next from 'i18next';
import { useTranslation } from 'react-i18next';
import { nameText } from '@/i18n';
import { Choices } from '@/ui/choices';
import { SelectField, TextField } from '@/ui/field';
import { Panel, type PanelProps } from './panel';

/** A choice that another part of the product names. */
export const named = (place: string, value: string): string => nameText(place, value) ?? value;

const levels = ['Low', 'Substantial', 'High'] as const;

export function LoginPanel(props: PanelProps) {
  const { t } = useTranslation();
  return (
    <Panel
      {...props}
      id="login"
      title={t('settings.login.title')}
      part={({ authenticators, minimum_level }) => ({ authenticators, minimum_level })}
    >
      {(draft, edit, errorOf) => (
        <>
          <Choices
            id="authenticators"
            legend={t('settings.fields.authenticators')}
            hint={t('settings.login.hint')}
            error={errorOf('authenticators')}
            options={props.settings.choices.authenticators.map((value) => ({ value, label: named('settings.authenticators', value) }))}
            chosen={draft.authenticators}
            onChange={(authenticators) => edit({ authenticators })}
          />
          <SelectField
            id="minimum_level"
            label={t('settings.fields.minimum_level')}
            hint={t('settings.login.levelHint')}
            error={errorOf('minimum_level')}
            value={draft.minimum_level}
            onChange={(event) => edit({ minimum_level: levels.find((one) => one === event.target.value) ?? 'Low' })}
          >
            {levels.map((level) => (
              <option key={level} value={level}>
                {t(`settings.levels.${level}`)}
              </option>
            ))}
          </SelectField>
        </>
      )}
    </Panel>
  );
}

const certificateTypes = ['user', 'organisation', 'system'] as const;

export function CertificatesPanel(props: PanelProps) {
  const { t } = useTranslation();
  return (
    <Panel {...props} id="certificates" title={t('settings.certificates.title')} part={({ certificates, directory }) => ({ certificates, directory })}>
      {(draft, edit, errorOf) => (
        <>
          <Choices
            id="certificate-types"
            legend={t('settings.fields.certificates')}
            error={errorOf('certificates')}
            options={certificateTypes.map((value) => ({ value, label: t(`settings.certificates.${value}`) }))}
            chosen={draft.certificates}
            onChange={(chosen) => edit({ certificates: certificateTypes.filter((one) => chosen.includes(one)) })}
          />
          <Choices
            id="directory"
            legend={t('settings.fields.directory')}
            hint={t('settings.certificates.directoryHint')}
            options={[{ value: 'on', label: t('settings.certificates.directory') }]}
            chosen={draft.directory ? ['on'] : []}
            onChange={(chosen) => edit({ directory: chosen.length > 0 })}
          />
        </>
      )}
    </Panel>
  );
}

export function MailPanel(props: PanelProps) {
  const { t } = useTranslation();
  return (
    <Panel
      {...props}
      id="mails"
      title={t('settings.mails.title')}
      part={({ notifications, mail_language }) => ({ notifications, mail_language })}
    >
      {(draft, edit, errorOf) => (
        <>
          <SelectField
            id="mail_language"
            label={t('settings.fields.mail_language')}
            hint={t('settings.mails.languageHint')}
            value={draft.mail_language}
            onChange={(event) => edit({ mail_language: event.target.value === 'en' ? 'en' : 'da' })}
          >
            <option value="da">Dansk</option>
            <option value="en">English</option>
          </SelectField>
          <Choices
            id="muted"
            legend={t('settings.fields.notifications_muted')}
            hint={t('settings.mails.mutedHint')}
            error={errorOf('notifications.muted')}
            options={props.settings.choices.mails.map((value) => ({ value, label: named('notices.kinds', value) }))}
            chosen={draft.notifications.muted}
            onChange={(muted) => edit({ notifications: { muted } })}
          />
        </>
      )}
    </Panel>
  );
}

/** Chosen where requests are approved, since taking one away has to wait too. */
export function EyesPanel({ settings }: PanelProps) {
  const { t } = useTranslation();
  const acts = settings.choices.acts.filter(({ name }) => settings.four_eyes.includes(name));
  if (acts.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="eyes">
      <h2 id="eyes">{t('settings.eyes.title')}</h2>
      <p>{t('settings.eyes.lead')}</p>
      <ul>
        {acts.map(({ name, danish, english }) => (
          <li key={name}>{i18next.language === 'en' ? english : danish}</li>
        ))}
      </ul>
    </section>
  );
}

/** A number as one types it; what is none is 0, which the server refuses or takes. */
const whole = (text: string): number => Math.trunc(Number(text)) || 0;

export function RetentionPanel(props: PanelProps) {
  const { t } = useTranslation();
  return (
    <Panel
      {...props}
      id="limits"
      title={t('settings.limits.title')}
      part={({ retention_days, full_load_limit }) => ({ retention_days, full_load_limit })}
    >
      {(draft, edit, errorOf) => (
        <>
          <TextField
            id="retention_days"
            className="input-width-xs"
            inputMode="numeric"
            label={t('settings.fields.retention_days')}
            hint={t('settings.limits.retentionHint')}
            error={errorOf('retention_days')}
            value={draft.retention_days}
            onChange={(event) => edit({ retention_days: whole(event.target.value) })}
          />
          <TextField
            id="full_load_limit"
            className="input-width-xs"
            inputMode="numeric"
            label={t('settings.fields.full_load_limit')}
            hint={t('settings.limits.fullLoadHint')}
            error={errorOf('full_load_limit')}
            value={draft.full_load_limit}
            onChange={(event) => edit({ full_load_limit: whole(event.target.value) })}
          />
        </>
      )}
    </Panel>
  );
}
