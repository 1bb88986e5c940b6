import { type DragEvent, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bytes } from '@/format';
import { FieldError } from './field';
import { Icon } from './icon';

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

/** A file, chosen or dropped. The native control stays, hidden to the eye only:
 * its own text is in the browser's language, not the page's. */
export function FileField({ label, hint, error, accept, file, onChange, ...rest }: FileFieldProps) {
  const { t } = useTranslation();
  const made = useId();
  const { id = made } = rest;
  const [over, setOver] = useState(false);
  const drag = (inside: boolean) => (event: DragEvent) => {
    event.preventDefault();
    setOver(inside);
  };
  const drop = (event: DragEvent) => {
    drag(false)(event);
    const dropped = event.dataTransfer.files[0];
    if (dropped !== undefined) onChange(dropped);
  };
  const by = [hint === undefined ? '' : `${id}-hint`, error === undefined ? '' : `${id}-error`, `${id}-file`];
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
      {/* Dropping is a second way; choosing works by keyboard. */}
      <div className={`drop ${over ? 'over' : ''} ${error === undefined ? '' : 'bad'}`} {...handlers}>
        <input
          id={id}
          type="file"
          accept={accept}
          aria-labelledby={`${id}-label ${id}-button`}
          aria-describedby={by.filter((one) => one !== '').join(' ')}
          aria-invalid={error === undefined ? undefined : true}
          onChange={(event) => onChange(event.target.files?.[0])}
          // The same file may be chosen again after it was corrected.
          onClick={(event) => (event.currentTarget.value = '')}
        />
        <label className="button button-secondary" htmlFor={id} id={`${id}-button`}>
          <Icon name="upload" />
          <span>{file === undefined ? t('ui.file.choose') : t('ui.file.other')}</span>
        </label>
        <p id={`${id}-file`}>
          {file === undefined ? (
            t('ui.file.drop')
          ) : (
            <>
              <strong>{file.name}</strong> <span className="quiet nowrap">{bytes(file.size)}</span>
            </>
          )}
        </p>
      </div>
    </div>
  );
}
