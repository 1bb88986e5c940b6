import { type DragEvent, type ReactNode, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bytes } from '@/format';
import { FieldError } from './field';
import { Icon, type IconName } from './icon';

interface FrameProps {
  id: string;
  label: string;
  hint: string | undefined;
  error: string | undefined;
  onDrop: (files: File[]) => void;
  children: ReactNode;
}

/** Label, hint, error and the place to drop on; choosing works by keyboard, so
 * that dropping is a second way only. */
export function DropFrame({ id, label, hint, error, onDrop, children }: FrameProps) {
  const [over, setOver] = useState(false);
  const drag = (inside: boolean) => (event: DragEvent) => {
    event.preventDefault();
    setOver(inside);
  };
  const drop = (event: DragEvent) => {
    drag(false)(event);
    const dropped = [...event.dataTransfer.files];
    if (dropped.length > 0) onDrop(dropped);
  };
  const handlers = { onDragEnter: drag(true), onDragOver: drag(true), onDragLeave: drag(false), onDrop: drop };
  return (
    <div className={`form-group ${error === undefined ? '' : 'form-error'}`}>
      <span className="form-label" id={`${id}-label`}>
        {label}
      </span>
      {hint !== undefined && (
        <span className="form-hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      <FieldError id={id} error={error} />
      <div className={`drop ${over ? 'over' : ''} ${error === undefined ? '' : 'bad'}`} {...handlers}>
        {children}
      </div>
    </div>
  );
}

interface ChooserProps {
  /** Of the field, whose label it has. */
  field: string;
  id: string;
  hint: string | undefined;
  error: string | undefined;
  icon: IconName;
  text: string;
  /** Of the input besides. */
  input: { accept?: string | undefined; multiple?: boolean; webkitdirectory?: string };
  onChoose: (files: File[]) => void;
}

/** The native control stays, hidden to the eye only: its own text is in the
 * browser's language, not the page's. */
export function Chooser({ field, id, hint, error, icon, text, input, onChoose }: ChooserProps) {
  const by = [hint === undefined ? '' : `${field}-hint`, error === undefined ? '' : `${field}-error`, `${field}-chosen`];
  return (
    <>
      <input
        {...input}
        id={id}
        type="file"
        aria-labelledby={`${field}-label ${id}-button`}
        aria-describedby={by.filter((one) => one !== '').join(' ')}
        aria-invalid={error === undefined ? undefined : true}
        onChange={(event) => onChoose([...(event.target.files ?? [])])}
        // The same file may be chosen again after it was corrected.
        onClick={(event) => (event.currentTarget.value = '')}
      />
      <label className="button button-secondary" htmlFor={id} id={`${id}-button`}>
        <Icon name={icon} />
        <span>{text}</span>
      </label>
    </>
  );
}

interface FileFieldProps {
  id?: string;
  label: string;
  hint?: string;
  error?: string | undefined;
  /** As in `<input accept>`. */
  accept: string;
  file: File | undefined;
  onChange: (file: File | undefined) => void;
}

/** A file, chosen or dropped. */
export function FileField({ label, hint, error, accept, file, onChange, ...rest }: FileFieldProps) {
  const { t } = useTranslation();
  const made = useId();
  const { id = made } = rest;
  const text = t(file === undefined ? 'ui.file.choose' : 'ui.file.other');
  return (
    <DropFrame {...{ id, label, hint, error }} onDrop={([first]) => onChange(first)}>
      <Chooser field={id} {...{ id, hint, error, text }} icon="upload" input={{ accept }} onChoose={([first]) => onChange(first)} />
      <p id={`${id}-chosen`}>
        {file === undefined ? (
          t('ui.file.drop')
        ) : (
          <>
            <strong>{file.name}</strong> <span className="quiet nowrap">{bytes(file.size)}</span>
          </>
        )}
      </p>
    </DropFrame>
  );
}
