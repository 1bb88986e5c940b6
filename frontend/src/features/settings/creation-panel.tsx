import { useTranslation } from 'react-i18next';
import { Choices } from '@/ui/choices';
import { Checkbox, TextField } from '@/ui/field';
import { named } from './panels';
import { Panel, type PanelProps } from './panel';

const most = 7;

/** What must be known of an employee, and who may ask for what. */
export function CreationPanel(props: PanelProps) {
  const { t } = useTranslation();
  return (
    <Panel {...props} id="creation" title={t('settings.creation.title')} part={({ creation }) => ({ creation })}>
      {({ creation }, edit, errorOf) => {
        const change = (part: Partial<typeof creation>) => edit({ creation: { ...creation, ...part } });
        const rows = [...creation.extra, ''].slice(0, most);
        const rename = (index: number, name: string) =>
          change({ extra: rows.map((one, at) => (at === index ? name : one)).filter((one, at) => one !== '' || at < index) });
        return (
          <>
            <Choices
              id="required"
              legend={t('settings.fields.creation_required')}
              hint={t('settings.creation.requiredHint')}
              error={errorOf('creation.required')}
              options={props.settings.choices.required.map((value) => ({ value, label: named('settings.required', value) }))}
              chosen={creation.required}
              onChange={(required) => change({ required })}
            />
            <Checkbox
              id="self_request"
              label={t('settings.fields.creation_self_request')}
              error={errorOf('creation.self_request')}
              checked={creation.self_request}
              onChange={(event) => change({ self_request: event.target.checked })}
            />
            <Checkbox
              id="anonymous"
              label={t('settings.fields.creation_anonymous')}
              checked={creation.anonymous}
              onChange={(event) => change({ anonymous: event.target.checked })}
            />
            <TextField
              id="default_email"
              label={t('settings.fields.creation_default_email')}
              hint={t('settings.creation.emailHint')}
              optional
              maxLength={254}
              spellCheck={false}
              error={errorOf('creation.default_email')}
              value={creation.default_email}
              onChange={(event) => change({ default_email: event.target.value })}
            />
            <fieldset className="bare" aria-describedby="extra-hint">
              <legend className="form-label">{t('settings.fields.creation_extra')}</legend>
              <span className="form-hint" id="extra-hint">
                {t('settings.creation.extraHint')}
              </span>
              {rows.map((name, index) => (
                <TextField
                  key={index}
                  id={`extra-${index}`}
                  label={t('settings.creation.extraOne', { no: index + 1 })}
                  error={index === 0 ? errorOf('creation.extra') : undefined}
                  maxLength={60}
                  value={name}
                  onChange={(event) => rename(index, event.target.value)}
                />
              ))}
            </fieldset>
          </>
        );
      }}
    </Panel>
  );
}
