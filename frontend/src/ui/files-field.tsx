import { type DragEvent, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bytes } from '@/format';
import { FieldError } from './field';
import { Icon } from './icon';

interface FilesFieldProps {
  id?: string;
  label: string;
  hint?: string;
  error?: string | undefined;
  /** As in `<input accept>`; a folder gives all it holds. */
  accept: string;
  files: File[];
  onChange: (files: File[]) => void;
}

/** Files, or a folder of them, chosen or dropped; see FileField. */
export function FilesField({ label, hint, error, accept, files, onChange, ...rest }: FilesFieldProps) {
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
    const dropped = [...event.dataTransfer.files];
    if (dropped.length > 0) onChange(dropped);
  };
  const by = [hint === undefined ? '' : `${id}-hint`, error === undefined ? '' : `${id}-error`, `${id}-files`].filter((one) => one !== '').join(' ');
  const handlers = { onDragEnter: drag(true), onDragOver: drag(true), onDragLeave: drag(false), onDrop: drop };
  const ways = [
    { key: 'files', text: t(files.length === 0 ? 'ui.files.choose' : 'ui.files.others'), folder: {} },
    { key: 'folder', text: t('ui.files.folder'), folder: { webkitdirectory: '' } },
  ];
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
        {ways.map(({ key, text, folder }) => (
          <span key={key}>
            <input
              id={key === 'files' ? id : `${id}-${key}`}
              type="file"
              multiple
              accept={key === 'files' ? accept : undefined}
              {...folder}
              aria-labelledby={`${id}-label ${id}-${key}-button`}
              aria-describedby={by}
              aria-invalid={error === undefined ? undefined : true}
              onChange={(event) => onChange([...(event.target.files ?? [])])}
              // The same files may be chosen again after they were corrected.
              onClick={(event) => (event.currentTarget.value = '')}
            />
            <label className="button button-secondary" htmlFor={key === 'files' ? id : `${id}-${key}`} id={`${id}-${key}-button`}>
              <Icon name={key === 'files' ? 'upload' : 'file'} />
              <span>{text}</span>
            </label>
          </span>
        ))}
        <p id={`${id}-files`}>
          {files.length === 0 ? t('ui.files.drop') : <Names files={files} />}
        </p>
      </div>
    </div>
  );
}

const mostNames = 5;

function Names({ files }: { files: File[] }) {
  const { t } = useTranslation();
  const names = files.slice(0, mostNames).map((file) => file.name);
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return (
    <>
      <strong>{names.join(', ')}</strong>
      {files.length > mostNames && ` ${t('ui.files.more', { count: files.length - mostNames })}`} <span className="quiet nowrap">{bytes(size)}</span>
    </>
  );
}
