import { type ComponentProps, type ReactNode, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from './button';

interface FieldProps {
  label: string;
  hint?: ReactNode;
  /** Already translated; marks the field as wrong. */
  error?: string | undefined;
  optional?: boolean;
}

interface FrameProps extends FieldProps {
  id: string;
  children: ReactNode;
}

/** Label, hint and error of one form control, in the order of dkfds. */
function Frame({ id, label, hint, error, optional = false, children }: FrameProps) {
  const { t } = useTranslation();
  return (
    <div className={`form-group ${error === undefined ? '' : 'form-error'}`}>
      <label className="form-label" htmlFor={id}>
        {label}
        {optional && <span className="weight-normal"> ({t('ui.optional')})</span>}
      </label>
      {hint !== undefined && (
        <span className="form-hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      <FieldError id={id} error={error} />
      {children}
    </div>
  );
}

export function FieldError({ id, error }: { id: string; error: string | undefined }) {
  const { t } = useTranslation();
  if (error === undefined) return null;
  return (
    <span className="form-error-message" id={`${id}-error`}>
      <span className="sr-only">{t('ui.error')}:</span> {error}
    </span>
  );
}

/** The aria attributes that tie a control to its hint and error. */
export function described(id: string, { hint, error }: Pick<FieldProps, 'hint' | 'error'>) {
  const by = [hint === undefined ? '' : `${id}-hint`, error === undefined ? '' : `${id}-error`];
  return {
    'aria-describedby': by.filter((one) => one !== '').join(' ') || undefined,
    'aria-invalid': error === undefined ? undefined : true,
  };
}

type Control<E extends 'input' | 'select' | 'textarea'> = FieldProps & ComponentProps<E>;

export function TextField({ label, hint, error, optional = false, ...rest }: Control<'input'>) {
  const made = useId();
  const { id = made, className = '', ...others } = rest;
  return (
    <Frame {...{ id, label, hint, error, optional }}>
      <input type="text" {...others} id={id} className={`form-input ${className}`} {...described(id, { hint, error })} />
    </Frame>
  );
}

export function TextArea({ label, hint, error, optional = false, ...rest }: Control<'textarea'>) {
  const made = useId();
  const { id = made, className = '', ...others } = rest;
  return (
    <Frame {...{ id, label, hint, error, optional }}>
      <textarea {...others} id={id} className={`form-input ${className}`} {...described(id, { hint, error })} />
    </Frame>
  );
}

export function SelectField({ label, hint, error, optional = false, ...rest }: Control<'select'>) {
  const made = useId();
  const { id = made, ...others } = rest;
  return (
    <Frame {...{ id, label, hint, error, optional }}>
      <select {...others} id={id} className="form-select" {...described(id, { hint, error })} />
    </Frame>
  );
}

/** A password, hidden until its owner asks to see it. */
export function PasswordField({ label, hint, error, optional = false, ...rest }: Control<'input'>) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(false);
  const made = useId();
  const { id = made, ...others } = rest;
  return (
    <Frame {...{ id, label, hint, error, optional }}>
      <div className="input-with-button">
        <input
          autoCapitalize="off"
          autoCorrect="off"
          spellCheck={false}
          {...others}
          id={id}
          type={shown ? 'text' : 'password'}
          className="form-input"
          {...described(id, { hint, error })}
        />
        <Button
          icon={shown ? 'visibility-off' : 'visibility'}
          aria-pressed={shown}
          aria-label={t('ui.showPassword', { label })}
          onClick={() => setShown(!shown)}
        >
          {shown ? t('ui.hide') : t('ui.show')}
        </Button>
      </div>
    </Frame>
  );
}

interface CheckboxProps extends ComponentProps<'input'> {
  label: string;
  error?: string | undefined;
}

export function Checkbox({ label, error, ...rest }: CheckboxProps) {
  const made = useId();
  const { id = made, ...others } = rest;
  return (
    <div className={`form-group ${error === undefined ? '' : 'form-error'}`}>
      <FieldError id={id} error={error} />
      <div className="form-group-checkbox">
        <input {...others} id={id} type="checkbox" className="form-checkbox" {...described(id, { error })} />
        <label className="form-label" htmlFor={id}>
          {label}
        </label>
      </div>
    </div>
  );
}
